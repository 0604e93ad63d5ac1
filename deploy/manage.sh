#!/bin/sh
# Runs manage.py as the portal's user with what a worker is told, where there are no containers. As root:
#   sh deploy/manage.sh doctor
# Only root can read the files of the secrets; they go by the environment, which that user alone can read.
set -eu
told=${PORTAL_ETC:-/etc/portal}
state=${PORTAL_STATE:-/var/lib/portal}
cd "$(dirname "$0")/.."
install -d -o portal -g portal -m 700 "$state"
set -a
. "$told/portal.env"
SECRET_KEY=$(cat "$told/secrets/secret_key")
PORTAL_SEAL_KEY=$(cat "$told/secrets/seal_key")
PORTAL_SECRETS_KEY=$(cat "$told/secrets/secrets_key")
DATABASE_URL=$(cat "$told/secrets/database_url")
REDIS_URL=$(cat "$told/secrets/redis_url")
PORTAL_DATA_DIR=$state
PORTAL_AUDIT_ANCHOR=$state/audit-anchor.jsonl
HOME=$state
exec runuser -u portal -- .venv/bin/python manage.py "$@"
