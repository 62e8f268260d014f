#!/bin/sh
set -eu
PGPASSWORD="$(cat /run/secrets/db_password)"
export PGPASSWORD
while true; do
    pg_dump --format=custom --file="/backups/octocode-$(date +%F).dump" octocode
    find /backups -name '*.dump' -mtime +14 -delete
    sleep 86400
done
