package io.spanfold.testing;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.KafkaBroker;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.embedded.RedisNode;
import java.net.URI;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import redis.clients.jedis.Jedis;

/**
 * A Kafka broker and a Redis Cluster of three nodes which speak TLS only, and accept an
 * administrator and the job's user.
 */
public final class SecuredServers implements AutoCloseable {

  /** The job's user, of both. */
  public static final String USER = "spanfold";

  /** The secrets that no text may show: the job's passwords, and that of the certificates. */
  public static final List<String> SECRETS =
      List.of("kafka-job-secret", "redis-job-secret", Certificates.PASSWORD);

  private static final String KAFKA_SECRET = SECRETS.get(0);
  private static final String REDIS_SECRET = SECRETS.get(1);
  private static final String ADMINISTRATOR = "administrator";
  private static final String ADMINISTRATORS_SECRET = "administrators-secret";

  private final Certificates certificates;
  private final KafkaBroker kafka;
  private final RedisCluster redis;

  /** Starts both; the job's user has no rights yet. */
  public SecuredServers(Path directory) throws Exception {
    certificates = Certificates.make(directory.resolve("certificates"));
    redis =
        RedisCluster.start(
            RedisNode.Options.in(directory.resolve("redis"))
                .withPassword(ADMINISTRATORS_SECRET)
                .withTls(certificates.ofRedis()));
    KafkaBroker.Builder builder = KafkaBroker.builder();
    brokerSecurity().forEach(builder::property);
    kafka = builder.start();
  }

  private Map<String, String> brokerSecurity() {
    return Map.of(
        "listener.security.protocol.map",
        "CLIENT:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms",
        "PLAIN",
        "sasl.mechanism.inter.broker.protocol",
        "PLAIN",
        "listener.name.client.plain.sasl.jaas.config",
        login(ADMINISTRATOR, ADMINISTRATORS_SECRET).replace(";", "")
            + " user_%s=\"%s\" user_%s=\"%s\";"
                .formatted(ADMINISTRATOR, ADMINISTRATORS_SECRET, USER, KAFKA_SECRET),
        "ssl.keystore.location",
        certificates.keyStore().toString(),
        "ssl.keystore.password",
        Certificates.PASSWORD,
        "ssl.truststore.location",
        certificates.authority().toString(),
        "ssl.truststore.type",
        "PEM",
        "authorizer.class.name",
        "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users",
        // The controller's own listener has no login.
        "User:" + ADMINISTRATOR + ";User:ANONYMOUS");
  }

  private static String login(String user, String password) {
    return "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s\";"
        .formatted(user, password);
  }

  /** Returns properties for an administrator's Kafka clients. */
  public Map<String, Object> administrator() {
    Map<String, Object> properties = new HashMap<>();
    properties.put("bootstrap.servers", kafka.bootstrapServers());
    properties.putAll(clientSecurity(ADMINISTRATOR, ADMINISTRATORS_SECRET));
    return properties;
  }

  private Map<String, String> clientSecurity(String user, String password) {
    return Map.of(
        "security.protocol",
        "SASL_SSL",
        "sasl.mechanism",
        "PLAIN",
        "sasl.jaas.config",
        login(user, password),
        "ssl.truststore.type",
        "PEM",
        "ssl.truststore.location",
        certificates.authority().toString());
  }

  /** Returns the options with which the job can connect. */
  public Configuration options() {
    Configuration options = new Configuration();
    options.setString("kafka.bootstrap.servers", kafka.bootstrapServers());
    clientSecurity(USER, KAFKA_SECRET)
        .forEach((name, value) -> options.setString("kafka.properties." + name, value));
    options.setString(
        "redis.uri", redis.uris().stream().map(URI::toString).collect(Collectors.joining(",")));
    options.setString("redis.username", USER);
    options.setString("redis.password", REDIS_SECRET);
    options.setString("redis.ca-file", certificates.authority().toString());
    return options;
  }

  /** Gives the job's user exactly these rights in Kafka; returns when the broker applies them. */
  public void allowInKafka(Set<AclBinding> allowed) throws Exception {
    try (Admin admin = Admin.create(administrator())) {
      admin.deleteAcls(List.of(AclBindingFilter.ANY)).all().get();
      admin.createAcls(allowed).all().get();
      Await.until(
          () ->
              Set.copyOf(admin.describeAcls(AclBindingFilter.ANY).values().get()).equals(allowed));
    }
  }

  /** Gives the job's user these rights in Redis, as {@code ACL SETUSER} takes them, and no more. */
  public void allowInRedis(String rules) {
    onEachNode(
        node -> {
          node.aclDelUser(USER);
          String[] words = rules.replace("PASSWORD", REDIS_SECRET).split(" ");
          node.aclSetUser(USER, words);
        });
  }

  /** Forgets which commands were sent to Redis. */
  public void forgetCommands() {
    onEachNode(Jedis::configResetStat);
  }

  /** Returns the commands that any node has run since, those of scripts included. */
  public Set<String> commands() {
    Set<String> commands = new TreeSet<>();
    onEachNode(
        node ->
            Arrays.stream(node.info("commandstats").split("\r\n"))
                .filter(line -> line.startsWith("cmdstat_") && !line.contains(":calls=0,"))
                .map(line -> line.substring("cmdstat_".length(), line.indexOf(':')))
                .forEach(commands::add));
    return commands;
  }

  /** Deletes all that is in Redis. */
  public void wipeRedis() {
    onEachNode(Jedis::flushAll);
  }

  private void onEachNode(Consumer<Jedis> visit) {
    redis
        .nodes()
        .forEach(
            node -> {
              try (Jedis jedis = node.connect()) {
                visit.accept(jedis);
              }
            });
  }

  @Override
  public void close() {
    kafka.close();
    redis.close();
  }
}
