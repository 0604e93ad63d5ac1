#!/bin/sh
# Makes the secrets of a new team installation, one file each, readable by their owner alone. What exists stays.
#   sh deploy/make-secrets.sh <folder> [database host:port] [redis host:port]
# OWNER=10001 gives them to the containers' user (as root), who reads them as files of the host.
# Keep a copy of secret_key and secrets_key apart from the database's backups: together they are the whole portal.
set -eu
umask 077
folder=${1:?which folder}
database=${2:-postgres:5432}
redis=${3:-redis:6379}
mkdir -p "$folder"
cd "$folder"

keep() { # name, from standard input
    if [ -s "$1" ]; then cat >/dev/null; else cat >".$1.new" && mv ".$1.new" "$1" && echo "made $1"; fi
}
urlsafe() { base64 | tr -d '\n' | tr '+/' '-_'; }

openssl rand 48 | urlsafe | keep secret_key
openssl rand -hex 24 | keep postgres_password
openssl rand -hex 24 | keep redis_password
openssl rand -hex 24 | keep metrics_token
# X25519: the private key opens the bots' passwords, the public one only seals them.
if [ ! -s secrets_key ]; then
    openssl genpkey -algorithm X25519 -outform DER -out .x25519.der
    tail -c 32 .x25519.der | urlsafe | keep secrets_key
    openssl pkey -inform DER -in .x25519.der -pubout -outform DER | tail -c 32 | urlsafe | keep seal_key
    rm -f .x25519.der
fi
printf 'postgres://portal:%s@%s/portal' "$(cat postgres_password)" "$database" | keep database_url
printf 'redis://:%s@%s/0' "$(cat redis_password)" "$redis" | keep redis_url
if [ -n "${OWNER:-}" ]; then chown "$OWNER" . ./*; fi
