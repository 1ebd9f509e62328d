# what docker-entrypoint.sh of the official image does with POSTGRES_PASSWORD
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U postgres -E UTF8 --locale=C --auth=scram-sha-256 --pwfile=<(echo "$POSTGRES_PASSWORD")
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
fi
exec "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
