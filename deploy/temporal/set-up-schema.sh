#!/bin/sh
# Creates Temporal's two databases and brings their schemas up to date. May run any number of times.
# SQL_HOST, SQL_PORT, SQL_USER and SQL_PASSWORD name the PostgreSQL server.
set -eu

for schema in temporal visibility; do
  database=temporal
  if [ "$schema" = visibility ]; then database=temporal_visibility; fi
  sql() {
    temporal-sql-tool --plugin postgres12 --endpoint "$SQL_HOST" --port "$SQL_PORT" --user "$SQL_USER" --database "$database" "$@"
  }
  sql create-database
  sql setup-schema --version 0.0
  sql update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$schema/versioned"
done
