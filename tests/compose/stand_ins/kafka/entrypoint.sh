# what the official image does: KAFKA_NODE_ID becomes node.id in server.properties, the log directory is formatted once
set -e
env | grep '^KAFKA_' | grep -v '^KAFKA_HEAP_OPTS' | while IFS='=' read -r name value; do
    echo "$(echo "${name#KAFKA_}" | tr 'A-Z_' 'a-z.')=$value"
done > /tmp/server.properties
# shellcheck disable=SC2086
java=(java $KAFKA_HEAP_OPTS -XX:+UseSerialGC -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -cp '/jars/*')
"${java[@]}" kafka.tools.StorageTool format --ignore-formatted -t "$CLUSTER_ID" -c /tmp/server.properties
exec "${java[@]}" kafka.Kafka /tmp/server.properties
