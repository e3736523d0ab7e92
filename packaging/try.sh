#!/bin/sh
# Builds mailconfd, runs it in a throwaway directory with two made-up domains, and asks it as
# Outlook, an ActiveSync phone, Thunderbird, an iPhone and Microsoft's cloud would. Nothing outside
# build/ and that directory is touched, but for packages that are missing.
set -eu

usage() {
	cat <<-END
	Usage: packaging/try.sh [--once] [--port N]

	  --once    end after the answers; exit 0 only if all were right
	  --port N  HTTPS on port N instead of 8443, and plain HTTP on port N+1 instead of 8080
	END
}

once=no https=8443 http=8080
while [ $# -gt 0 ]; do
	case $1 in
	--once) once=yes ;;
	--port)
		case ${2:-} in
		'' | 0* | *[!0-9]* | ??????*) usage >&2; exit 2 ;;
		esac
		https=$2 http=$(($2 + 1))
		if [ "$https" -lt 1 ] || [ "$http" -gt 65535 ]; then
			echo "--port takes a number from 1 to 65534, not $2" >&2
			exit 2
		fi
		shift ;;
	--help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done

cd "$(dirname "$0")/.."
./packaging/install-packages.sh gcc meson ninja-build pkg-config python3 libmicrohttpd-dev \
	libgnutls28-dev libxml2-dev libsqlite3-dev libinih-dev libjansson-dev libc-ares-dev \
	libcurl4-gnutls-dev libseccomp-dev openssl curl
echo "Building into build/"
[ -e build/build.ninja ] || meson setup build -Dtests=false >/dev/null
ninja -C build src/mailconfd src/mailconfctl >build/try.log || { cat build/try.log; exit 1; }
root=$PWD

dir=$(mktemp -d)
pid=
cleanup() {
	trap - EXIT INT TERM HUP
	[ -z "$pid" ] || kill "$pid" 2>/dev/null || true
	[ -z "$pid" ] || wait "$pid" 2>/dev/null || true
	rm -rf "$dir"
}
trap cleanup EXIT
# Until all is asked, an end is no success; after that it is what was waited for.
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
	"$root/build/src/mailconfctl" --config "$dir/mailconfd.conf" "$@"
}
echo
echo "== Two domains and one user, as an admin enters them"
ctl domain add example.org imaps://imap.example.org submissions://smtp.example.org \
	activesync+https://sync.example.org/Microsoft-Server-ActiveSync
ctl domain add example.net imap+starttls://mail.example.net submission+starttls://mail.example.net \
	--login %EMAILLOCALPART%
ctl user add first.last@example.org a4711

build/src/mailconfd --config "$dir/mailconfd.conf" 2>"$dir/log" &
pid=$!
tries=0
until grep -q 'ready: ' "$dir/log"; do
	tries=$((tries + 1))
	if ! kill -0 $pid 2>/dev/null || [ $tries -gt 200 ]; then
		cat "$dir/log" >&2
		if grep -q 'in use' "$dir/log"; then
			echo "Take other ports: packaging/try.sh --port N" >&2
		fi
		pid=
		exit 1
	fi
	sleep 0.05
done

wrong=0
# ask WHO METHOD URL [BODY]: prints the question and the answer, and keeps the answer in $answer and
# its status in $status.
ask() {
	url=$3
	host=${url#https://}
	host=${host%%/*}
	echo
	echo "== $1 asks: $2 $url"
	if [ $# -gt 3 ]; then
		echo "$4"
		set -- --header 'Content-Type: text/xml; charset=utf-8' --data-binary "$4"
	else
		set --
	fi
	echo "-- and is answered:"
	answer=$(curl --silent --show-error --max-time 10 --cacert "$dir/ca.pem" \
		--connect-to "$host:443:127.0.0.1:$https" \
		--write-out '\nHTTP status %{http_code}\n' "$@" "$url") || answer="no answer"
	echo "$answer"
	status=${answer##*HTTP status }
	answer=${answer%HTTP status *}
}
# is STATUS: the status that the answer must have.
is() {
	if [ "$status" != "$1" ]; then
		echo "-> WRONG: the status is $status instead of $1"
		wrong=$((wrong + 1))
	fi
}
# shows WORDS SENTENCE: the answer must have the words, blanks between elements aside.
shows() {
	if printf '%s' "$answer" | tr -d '\n' | sed 's/>  *</></g' | grep -qF -e "$1"; then
		echo "-> $2"
	else
		echo "-> WRONG: $1 is missing, so it is not true that: $2"
		wrong=$((wrong + 1))
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
# post SCHEMA WHO ADDRESS
post() {
	ask "$2, for $3," POST "https://autodiscover.${3#*@}/autodiscover/autodiscover.xml" "$($1 "$3")"
}
thunderbird() {
	ask "Thunderbird, for $1," GET \
		"https://autoconfig.${1#*@}/mail/config-v1.1.xml?emailaddress=${1%@*}%40${1#*@}"
}
iphone() {
	ask "An iPhone, for $1," GET \
		"https://autoconfig.${1#*@}/mobileconfig?emailaddress=${1%@*}%40${1#*@}"
}
# cloud ADDRESS PROTOCOL
cloud() {
	ask "Microsoft's cloud, for $1," GET \
		"https://autodiscover.${1#*@}/autodiscover/autodiscover.json?Email=${1%@*}%40${1#*@}&Protocol=$2"
}

post outlook Outlook first.last@example.org
is 200
shows '<Type>IMAP</Type><TTL>168</TTL><Server>imap.example.org</Server><Port>993</Port><LoginName>a4711</LoginName>' \
	'first.last@example.org logs in as a4711 at imap.example.org:993'
shows '<SSL>on</SSL><Encryption>SSL</Encryption>' 'over TLS from the first byte'
shows '<Type>SMTP</Type><TTL>168</TTL><Server>smtp.example.org</Server><Port>465</Port><LoginName>a4711</LoginName>' \
	'and sends by smtp.example.org:465 with the same login'
post outlook Outlook test@example.org
is 200
shows '<LoginName>test@example.org</LoginName>' \
	'test@example.org has no row and logs in with its address'
post phone 'A phone' first.last@example.org
is 200
shows '<Type>MobileSync</Type><Url>https://sync.example.org/Microsoft-Server-ActiveSync</Url>' \
	'the phone finds the ActiveSync server of example.org'
thunderbird first.last@example.org
is 200
shows '<hostname>imap.example.org</hostname><port>993</port><socketType>SSL</socketType>' \
	'Thunderbird reads the same imap.example.org:993'
shows '<username>a4711</username>' 'and the same login a4711'
thunderbird test@example.org
is 200
shows '<username>%EMAILADDRESS%</username>' \
	'test@example.org gets a placeholder, which Thunderbird replaces by the address'
iphone first.last@example.org
is 200
shows '<key>IncomingMailServerHostName</key><string>imap.example.org</string>' \
	'the profile for an iPhone has the same server'
shows '<key>IncomingMailServerUsername</key><string>a4711</string>' 'and the same login'
cloud first.last@example.org AutodiscoverV1
is 200
shows '{"Protocol":"AutodiscoverV1","Url":"https://autoconfig.example.org/autodiscover/autodiscover.xml"}' \
	'the cloud is sent to the document that Outlook reads'
cloud first.last@example.org ActiveSync
is 400
shows '"ErrorCode":"InvalidProtocol"' 'but is not told the ActiveSync server, unless the provider wants it'

post outlook Outlook test@example.net
is 200
shows '<Type>IMAP</Type><TTL>168</TTL><Server>mail.example.net</Server><Port>143</Port><LoginName>test</LoginName>' \
	'test@example.net logs in as test at mail.example.net:143'
shows '<SSL>on</SSL><Encryption>TLS</Encryption>' 'with STARTTLS'
post phone 'A phone' test@example.net
is 200
shows '<ErrorCode>601</ErrorCode>' 'example.net has no ActiveSync, and says so'
thunderbird test@example.net
is 200
shows '<hostname>mail.example.net</hostname><port>587</port><socketType>STARTTLS</socketType>' \
	'Thunderbird sends by mail.example.net:587 with STARTTLS'
shows '<username>%EMAILLOCALPART%</username>' 'and logs in with the local part'

echo
if [ $wrong -gt 0 ]; then
	echo "$wrong of the answers above are WRONG."
else
	echo "All answers are right."
fi
if [ $once = no ]; then
	cat <<-END

	mailconfd goes on at https://127.0.0.1:$https until Ctrl-C. Try, in another terminal:

	  cd $root
	  alias ctl='build/src/mailconfctl --config $dir/mailconfd.conf'
	  ctl user add second.person@example.org b4712
	  ctl preview outlook second.person@example.org
	  ctl preview autoconfig test@example.net --explain
	  ctl preview mobileconfig second.person@example.org
	  ctl domain list
	  curl --cacert $dir/ca.pem --connect-to autoconfig.example.org:443:127.0.0.1:$https \\
	    https://autoconfig.example.org/mail/config-v1.1.xml
	  cat $dir/log
	END
	# The reader of a pipe may be gone by then, and cleaning up comes first.
	trap 'trap "" PIPE; echo || true; exit $((wrong > 0))' INT TERM HUP
	wait $pid || true
fi
[ $wrong -eq 0 ]
