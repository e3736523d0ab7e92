#!/bin/sh
# Certificates to test with: a small CA, and what it signs on demand. Needs OpenSSL 3.0 or later.
set -eu

usage() {
	cat <<'END'
usage: make.sh DIR ca
       make.sh DIR cert FILE [OPTION]... [NAME]...
       make.sh DIR pair SUBDIR [OPTION]... [NAME]...

ca    makes the test CA: DIR/ca.pem and DIR/ca.key, valid for a hundred years.
cert  writes DIR/FILE, one PEM with the certificate, its chain and its key. The CA is made first
      where there is none yet.
pair  writes DIR/SUBDIR/fullchain.pem and DIR/SUBDIR/privkey.pem.

NAMEs are DNS names (wildcards too) or addresses for the subjectAltName; without any there is none.

  --rsa[=BITS] --rsa-pss --ed25519 --ed448   the kind of key; otherwise ECDSA P-256
  --curve=NAME       another curve for ECDSA (P-384)
  --days N           how long it is valid (90)
  --not-before N     from when on, in days from now; may be negative (an hour ago)
  --issuer FILE      signed by this certificate in DIR, made with --ca, which joins the chain
  --ca               may sign others itself
  --must-staple      clients must require a stapled OCSP response
  --with-root        the chain ends in the CA's own certificate
  --key-first        the key stands before the certificate
  --key-of FILE      the key of another file in DIR, which does not fit
  --no-key           no key
  --password WORD    the key encrypted
END
}

fail() {
	echo "make.sh: $*" >&2
	exit 1
}

# Prints the moment N days from now as OpenSSL wants it.
moment() {
	date -u -d "@$(($(date +%s) + $1 * 86400 + ${2:-0}))" +%Y%m%d%H%M%SZ
}

make_ca() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc \
		-keyout "$dir/ca.key" -out "$dir/ca.pem" -days 36500 -subj '/CN=mailconfd test CA' \
		-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
		2>"$work/log" || fail "$(cat "$work/log")"
}

make_key() {
	case $kind in
	ec) set -- EC -pkeyopt "ec_paramgen_curve:$curve" ;;
	rsa) set -- RSA -pkeyopt "rsa_keygen_bits:$bits" ;;
	rsa-pss) set -- RSA-PSS -pkeyopt "rsa_keygen_bits:$bits" ;;
	ed25519) set -- ED25519 ;;
	ed448) set -- ED448 ;;
	esac
	openssl genpkey -algorithm "$@" -out "$work/key" 2>"$work/log" || fail "$(cat "$work/log")"
}

# Prints the subjectAltName of the names.
alt_names() {
	list=
	for name; do
		case $name in
		*:*) list="$list,IP:$name" ;;
		*[!0-9.]*) list="$list,DNS:$name" ;;
		*) list="$list,IP:$name" ;;
		esac
	done
	echo "${list#,}"
}

# What the key is for: TLS 1.2 without forward secrecy encrypts with RSA keys.
key_usage() {
	case $is_ca,$kind in
	TRUE,*) echo keyCertSign ;;
	*,rsa) echo digitalSignature,keyEncipherment ;;
	*) echo digitalSignature ;;
	esac
}

# 'openssl ca' is the one command that takes a start date in every OpenSSL since 3.0.
make_config() {
	cat <<END
[ca]
default_ca = ours
[ours]
database = $work/index
new_certs_dir = $work
default_md = default
rand_serial = yes
unique_subject = no
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[req]
distinguished_name = subject
prompt = no
[subject]
commonName = $(case ${1:-} in '' | *:*) echo test ;; *) echo "$1" | cut -c 1-64 ;; esac)
[extensions]
basicConstraints = critical,CA:$is_ca
keyUsage = critical,$(key_usage)
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
END
	[ "$is_ca" = TRUE ] || echo "extendedKeyUsage = serverAuth"
	[ -z "$must_staple" ] || echo "tlsfeature = status_request"
	[ $# -eq 0 ] || echo "subjectAltName = $(alt_names "$@")"
}

make_certificate() {
	make_key
	make_config "$@" >"$work/config"
	: >"$work/index"
	{
		openssl req -new -config "$work/config" -key "$work/key" -out "$work/request" &&
			openssl ca -batch -notext -config "$work/config" \
				-cert "$issuer" -keyfile "$issuer_key" -in "$work/request" \
				-startdate "$(moment "$not_before" $offset)" \
				-enddate "$(moment $((not_before + days)))" -out "$work/leaf"
	} 2>"$work/log" || fail "$(cat "$work/log")"
}

certificates_of() {
	sed -n '/-----BEGIN CERTIFICATE/,/-----END CERTIFICATE/p' "$1"
}

key_of() {
	sed -n '/-----BEGIN .*PRIVATE KEY/,/-----END .*PRIVATE KEY/p' "$1"
}

print_chain() {
	cat "$work/leaf"
	[ "$issuer" = "$dir/ca.pem" ] || certificates_of "$issuer"
	[ -z "$with_root" ] || cat "$dir/ca.pem"
}

print_key() {
	if [ -n "$foreign" ]; then
		key_of "$foreign"
	elif [ -n "$password" ]; then
		openssl pkcs8 -topk8 -in "$work/key" -passout "pass:$password"
	elif [ -z "$no_key" ]; then
		cat "$work/key"
	fi
}

# Files are renamed into place, so that a server may be reading the old ones.
write_pair() {
	mkdir -p "$1"
	print_chain >"$work/fullchain.pem"
	print_key >"$work/privkey.pem"
	mv "$work/fullchain.pem" "$work/privkey.pem" "$1"
}

write_file() {
	mkdir -p "$(dirname "$1")"
	{
		[ -z "$key_first" ] || print_key
		print_chain
		[ -n "$key_first" ] || print_key
	} >"$work/file"
	mv "$work/file" "$1"
}

needs_value() {
	[ $# -ge 2 ] || fail "$1 needs a value"
}

case ${1:-} in
'')
	usage >&2
	exit 2
	;;
-h | --help)
	usage
	exit 0
	;;
esac
[ $# -ge 2 ] || { usage >&2; exit 2; }

dir=$1 command=$2
shift 2
umask 077
mkdir -p "$dir"
work=$(mktemp -d "$dir/.make.XXXXXX")
trap 'rm -rf "$work"' EXIT

case $command in
ca)
	make_ca
	exit 0
	;;
cert | pair) ;;
*) fail "'$command' is none of ca, cert, pair" ;;
esac

[ $# -ge 1 ] || fail "$command needs the name of what to write"
target=$dir/$1
shift
kind=ec curve=P-256 bits=2048 days=90 not_before=0 offset=-3600
issuer=$dir/ca.pem issuer_key=$dir/ca.key is_ca=FALSE
with_root='' must_staple='' key_first='' foreign='' no_key='' password=''
while [ $# -gt 0 ]; do
	case $1 in
	--rsa) kind=rsa ;;
	--rsa=*) kind=rsa bits=${1#*=} ;;
	--rsa-pss) kind=rsa-pss ;;
	--ed25519) kind=ed25519 ;;
	--ed448) kind=ed448 ;;
	--curve=*) curve=${1#*=} ;;
	--days) needs_value "$@"; days=$2; shift ;;
	--not-before) needs_value "$@"; not_before=$2 offset=0; shift ;;
	--issuer) needs_value "$@"; issuer=$dir/$2 issuer_key=$dir/$2; shift ;;
	--ca) is_ca=TRUE ;;
	--must-staple) must_staple=yes ;;
	--with-root) with_root=yes ;;
	--key-first) key_first=yes ;;
	--key-of) needs_value "$@"; foreign=$dir/$2; shift ;;
	--no-key) no_key=yes ;;
	--password) needs_value "$@"; password=$2; shift ;;
	--) shift; break ;;
	-*) fail "unknown option $1" ;;
	*) break ;;
	esac
	shift
done

[ -e "$dir/ca.pem" ] || make_ca
make_certificate "$@"
if [ "$command" = pair ]; then
	write_pair "$target"
else
	write_file "$target"
fi
