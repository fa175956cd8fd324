/**
 * The port that an image's main process listens on when nobody says otherwise: the first `EXPOSE` of the official images on Docker
 * Hub, and for the rest the IANA registry or the project's own documentation.
 */
const PORTS: Readonly<Record<string, number>> = {
  adminer: 8080,
  apache: 80,
  caddy: 80,
  cassandra: 9042,
  clickhouse: 8123,
  consul: 8500,
  couchdb: 5984,
  elasticsearch: 9200,
  etcd: 2379,
  gitea: 3000,
  grafana: 3000,
  haproxy: 80,
  httpd: 80,
  influxdb: 8086,
  jenkins: 8080,
  kafka: 9092,
  kibana: 5601,
  logstash: 5044,
  mariadb: 3306,
  memcached: 11211,
  minio: 9000,
  mongo: 27017,
  mongodb: 27017,
  mosquitto: 1883,
  mssql: 1433,
  mysql: 3306,
  nats: 4222,
  neo4j: 7687,
  nextcloud: 80,
  nginx: 80,
  opensearch: 9200,
  percona: 3306,
  pgbouncer: 6432,
  pgvector: 5432,
  postgis: 5432,
  postgres: 5432,
  postgresql: 5432,
  prometheus: 9090,
  rabbitmq: 5672,
  redis: 6379,
  redpanda: 9092,
  registry: 5000,
  solr: 8983,
  timescaledb: 5432,
  tomcat: 8080,
  traefik: 80,
  valkey: 6379,
  vault: 8200,
  wordpress: 80,
  zookeeper: 2181,
};

/**
 * The usual port of an image, by the name that its reference ends with; `undefined` for an image of somebody's own.
 *
 * @example wellKnownPort("docker.io/bitnami/postgresql:16") // 5432
 */
export function wellKnownPort(image: string): number | undefined {
  const repository = image.split("@")[0]?.replace(/:[^/:]*$/, "") ?? "";
  const name = repository.split("/").at(-1)?.toLowerCase() ?? "";
  // `mysql-server` is a mysql; `mongo-express` is something else, in front of one.
  const product = name.replace(/[-_](server|db|oss|ce|ee)$/, "");
  return Object.hasOwn(PORTS, product) ? PORTS[product] : undefined;
}
