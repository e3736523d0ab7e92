#!/bin/sh
# Builds mailconfd, runs it in a temporary directory with two example domains, and sends the requests of
# Outlook, an ActiveSync phone, Thunderbird, an iPhone and Microsoft's cloud. Outside build/ and that
# directory it changes nothing, except that it installs missing packages. If MAILCONFD_BUILD names a build
# directory, its programs are used, and nothing is built.
set -eu

usage() {
	cat <<-END
	Usage: packaging/try.sh [--once] [--verbose] [--port N]

	  --once     exit after the checks; status 0 only if all passed
	  --verbose  print requests and responses too
	  --port N   HTTPS port (default: 8443); plain HTTP uses N+1 (default: 8080)
	END
}

once=no verbose=no https=8443 http=8080
while [ $# -gt 0 ]; do
	case $1 in
	--once) once=yes ;;
	--verbose) verbose=yes ;;
	--port)
		case ${2:-} in
		'' | 0* | *[!0-9]* | ??????*) usage >&2; exit 2 ;;
		esac
		https=$2 http=$(($2 + 1))
		if [ "$https" -lt 1 ] || [ "$http" -gt 65535 ]; then
			echo "--port requires a number from 1 to 65534, not $2" >&2
			exit 2
		fi
		shift ;;
	--help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

cd "$(dirname "$0")/.."
build=${MAILCONFD_BUILD:-$PWD/build}
if [ -z "${MAILCONFD_BUILD:-}" ]; then
	./packaging/install-packages.sh gcc meson ninja-build pkg-config python3 libmicrohttpd-dev \
		libgnutls28-dev libxml2-dev libsqlite3-dev libinih-dev libjansson-dev libc-ares-dev \
		libcurl4-gnutls-dev libseccomp-dev openssl curl
	echo "Building into build/"
	[ -e build/build.ninja ] || meson setup build -Dtests=false >/dev/null
	ninja -C build src/mailconfd src/mailconfctl >build/try.log || { cat build/try.log; exit 1; }
fi

dir=$(mktemp -d)
pid=
cleanup() {
	trap - EXIT INT TERM HUP
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
# A signal before the checks are complete is a failure; afterwards it is the usual end.
trap 'trap "" PIPE; echo || true; exit 130' INT
trap 'trap "" PIPE; echo || true; exit 143' TERM HUP

for domain in example.org example.net; do
	[ -e "$dir/ca.pem" ] || tests/certs/make.sh "$dir" ca
	mkdir -p "$dir/certificates"
	tests/certs/make.sh "$dir" cert certificates/$domain.pem \
		autoconfig.$domain autodiscover.$domain $domain
done
cat >"$dir/mailconfd.conf" <<END
[server]
public-name = autoconfig.example.org
listen-https = 127.0.0.1:$https
listen-http = 127.0.0.1:$http
[tls]
certificates = $dir/certificates/*.pem
[database]
file = $dir/mailconfd.db
END

ctl() {
	echo "\$ mailconfctl $*"
	"$build/src/mailconfctl" --config "$dir/mailconfd.conf" "$@"
}
echo
echo "== Two domains and one user"
ctl domain add example.org imaps://imap.example.org submissions://smtp.example.org \
	activesync+https://sync.example.org/Microsoft-Server-ActiveSync
ctl domain add example.net imap+starttls://mail.example.net submission+starttls://mail.example.net \
	--login %EMAILLOCALPART%
ctl user add first.last@example.org a4711

: >"$dir/log"
"$build/src/mailconfd" --config "$dir/mailconfd.conf" 2>>"$dir/log" &
pid=$!
tries=0
until grep -q 'ready: ' "$dir/log"; do
	tries=$((tries + 1))
	if ! kill -0 $pid 2>/dev/null || [ $tries -gt 200 ]; then
		cat "$dir/log" >&2
		if grep -q 'in use' "$dir/log"; then
			echo "hint: use other ports: packaging/try.sh --port N" >&2
		fi
		pid=
		exit 1
	fi
	sleep 0.05
done

failed=0
# request CLIENT METHOD URL [BODY]: sends a request, and keeps the response in $answer and its status in
# $status.
request() {
	url=$3
	host=${url#https://}
	host=${host%%/*}
	echo
	echo "== $1"
	echo "   $2 $url"
	if [ $# -gt 3 ]; then
		[ $verbose = no ] || printf '\n%s\n' "$4"
		set -- --header 'Content-Type: text/xml; charset=utf-8' --data-binary "$4"
	else
		set --
	fi
	answer=$(curl --silent --show-error --max-time 10 --cacert "$dir/ca.pem" \
		--connect-to "$host:443:127.0.0.1:$https" \
		--write-out '\nHTTP status %{http_code}\n' "$@" "$url") || answer="no response"
	[ $verbose = no ] || printf '\n%s\n\n' "$answer"
	status=${answer##*HTTP status }
	answer=${answer%HTTP status *}
}
# check TEXT RESULT: the response must contain the text, ignoring whitespace between elements.
check() {
	if printf '%s' "$answer" | tr -d '\n' | sed 's/>  *</></g' | grep -qF -e "$1"; then
		echo "   ok      $2"
	else
		echo "   FAILED  $2: the response does not contain $1"
		failed=$((failed + 1))
	fi
}
# check_status STATUS: the response must have this status.
check_status() {
	if [ "$status" != "$1" ]; then
		echo "   FAILED  HTTP status $1: the status is $status"
		failed=$((failed + 1))
	fi
}
schemas=http://schemas.microsoft.com/exchange/autodiscover
outlook() {
	cat <<-END
	<?xml version="1.0" encoding="utf-8"?>
	<Autodiscover xmlns="$schemas/outlook/requestschema/2006"><Request><EMailAddress>$1</EMailAddress><AcceptableResponseSchema>$schemas/outlook/responseschema/2006a</AcceptableResponseSchema></Request></Autodiscover>
	END
}
phone() {
	cat <<-END
	<?xml version="1.0" encoding="utf-8"?>
	<Autodiscover xmlns="$schemas/mobilesync/requestschema/2006"><Request><EMailAddress>$1</EMailAddress><AcceptableResponseSchema>$schemas/mobilesync/responseschema/2006</AcceptableResponseSchema></Request></Autodiscover>
	END
}
# post SCHEMA CLIENT ADDRESS
post() {
	request "$2, $3" POST "https://autodiscover.${3#*@}/autodiscover/autodiscover.xml" "$($1 "$3")"
}
thunderbird() {
	request "Thunderbird, $1" GET \
		"https://autoconfig.${1#*@}/mail/config-v1.1.xml?emailaddress=${1%@*}%40${1#*@}"
}
iphone() {
	request "iPhone, $1" GET \
		"https://autoconfig.${1#*@}/mobileconfig?emailaddress=${1%@*}%40${1#*@}"
}
# cloud ADDRESS PROTOCOL
cloud() {
	request "Microsoft's cloud, $1" GET \
		"https://autodiscover.${1#*@}/autodiscover/autodiscover.json?Email=${1%@*}%40${1#*@}&Protocol=$2"
}

post outlook Outlook first.last@example.org
check_status 200
check '<Type>IMAP</Type><TTL>168</TTL><Server>imap.example.org</Server><Port>993</Port><LoginName>a4711</LoginName>' \
	'IMAP server imap.example.org:993, login a4711'
check '<SSL>on</SSL><Encryption>SSL</Encryption>' 'implicit TLS'
check '<Type>SMTP</Type><TTL>168</TTL><Server>smtp.example.org</Server><Port>465</Port><LoginName>a4711</LoginName>' \
	'submission server smtp.example.org:465, login a4711'
post outlook Outlook test@example.org
check_status 200
check '<LoginName>test@example.org</LoginName>' \
	'login test@example.org: the address, because this user has no login of their own'
post phone 'ActiveSync phone' first.last@example.org
check_status 200
check '<Type>MobileSync</Type><Url>https://sync.example.org/Microsoft-Server-ActiveSync</Url>' \
	'ActiveSync server sync.example.org'
thunderbird first.last@example.org
check_status 200
check '<hostname>imap.example.org</hostname><port>993</port><socketType>SSL</socketType>' \
	'IMAP server imap.example.org:993, implicit TLS'
check '<username>a4711</username>' 'login a4711'
thunderbird test@example.org
check_status 200
check '<username>%EMAILADDRESS%</username>' \
	'login %EMAILADDRESS%, which Thunderbird replaces by the address'
iphone first.last@example.org
check_status 200
check '<key>IncomingMailServerHostName</key><string>imap.example.org</string>' \
	'configuration profile with IMAP server imap.example.org'
check '<key>IncomingMailServerUsername</key><string>a4711</string>' 'login a4711'
cloud first.last@example.org AutodiscoverV1
check_status 200
check '{"Protocol":"AutodiscoverV1","Url":"https://autoconfig.example.org/autodiscover/autodiscover.xml"}' \
	'URL of the Autodiscover document that Outlook requests'
cloud first.last@example.org ActiveSync
check_status 400
check '"ErrorCode":"InvalidProtocol"' 'ActiveSync is refused: the provider does not offer it to the cloud'

post outlook Outlook test@example.net
check_status 200
check '<Type>IMAP</Type><TTL>168</TTL><Server>mail.example.net</Server><Port>143</Port><LoginName>test</LoginName>' \
	'IMAP server mail.example.net:143, login test'
check '<SSL>on</SSL><Encryption>TLS</Encryption>' 'STARTTLS'
post phone 'ActiveSync phone' test@example.net
check_status 200
check '<ErrorCode>601</ErrorCode>' 'error 601: example.net has no ActiveSync server'
thunderbird test@example.net
check_status 200
check '<hostname>mail.example.net</hostname><port>587</port><socketType>STARTTLS</socketType>' \
	'submission server mail.example.net:587, STARTTLS'
check '<username>%EMAILLOCALPART%</username>' 'login %EMAILLOCALPART%, the part before the @'

echo
if [ $failed -gt 0 ]; then
	echo "$failed checks FAILED."
else
	echo "All checks passed."
fi
if [ $once = no ]; then
	cat <<-END

	mailconfd serves https://127.0.0.1:$https until Ctrl-C. Try in another terminal:

	  alias ctl='$build/src/mailconfctl --config $dir/mailconfd.conf'
	  ctl user add second.person@example.org b4712
	  ctl preview outlook second.person@example.org
	  ctl preview autoconfig test@example.net --explain
	  ctl preview mobileconfig second.person@example.org
	  ctl domain list
	  curl --cacert $dir/ca.pem --connect-to autoconfig.example.org:443:127.0.0.1:$https \\
	    https://autoconfig.example.org/mail/config-v1.1.xml
	  cat $dir/log
	END
	# Writing to a closed pipe must not end the script before it has cleaned up.
	trap 'trap "" PIPE; echo || true; exit $((failed > 0))' INT TERM HUP
	wait $pid || true
fi
[ $failed -eq 0 ]
