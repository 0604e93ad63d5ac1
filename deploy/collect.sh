#!/bin/sh
# Collects the style and scripts of the pages into staticfiles/, with names that change with their content.
# The settings want a whole team installation: it gets one of made-up values, none of which is kept.
set -eu
key=$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
env SECRET_KEY="$key$key" PORTAL_SEAL_KEY="$key" PORTAL_DATA_DIR="$data" PORTAL_URL=https://collect.invalid \
    REDIS_URL=redis://collect.invalid DATABASE_URL=postgres://collect.invalid/none PORTAL_ALLOWED_NETWORKS=public \
    "${PYTHON:-python}" manage.py collectstatic --noinput --verbosity 0
