package io.spanfold.job.preflight;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.embedded.Await;
import io.spanfold.embedded.KafkaBroker;
import io.spanfold.job.config.SpanfoldConfig;
import io.spanfold.job.preflight.PreflightChecks.JobStart;
import io.spanfold.job.preflight.PreflightChecks.Submission;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.flink.configuration.Configuration;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Reports about a broker that does not fit the job. */
@Timeout(60)
class KafkaCheckITCase {

  private static final String USER = "User:ANONYMOUS";
  private static final JobStart START =
      new JobStart(Submission.NEW_JOB, Optional.empty(), Duration.ofMinutes(10));

  private static KafkaBroker broker;

  @BeforeAll
  static void start() {
    broker =
        KafkaBroker.builder()
            .maxMessageBytes(1_000_000)
            .maxTransactionTimeout(Duration.ofMinutes(15))
            .property(
                "authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer")
            .property("allow.everyone.if.no.acl.found", "true")
            .start();
    for (String topic :
        List.of("ingest-spans", "buffered-segments", "ingest-spans-dlq", "outcomes")) {
      broker.createTopic(topic, 1);
    }
    topic("takes-60000", 60_000);
    topic("takes-900000", 900_000);
    topic("takes-64-mib", 64 << 20);
    topic("takes-65-mib", 65 << 20);
    broker.createTopic("compacted", 1, Map.of("cleanup.policy", "compact"));
    broker.createTopic("both", 1, Map.of("cleanup.policy", "compact,delete"));
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  @Test
  void nothingIsReportedIfKafkaFits() {
    CheckReport report = check();

    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings()).isEmpty();
  }

  @Test
  void allMissingTopicsAreReportedTogetherWithOtherProblems() {
    CheckReport report =
        check(
            "source.topic", "a",
            "sink.topic", "b",
            "dead-letter.topic", "c",
            "outcomes.topic", "d",
            "kafka.properties.transaction.timeout.ms", "3600000");

    String end =
        "does not exist on Kafka at "
            + broker.bootstrapServers()
            + "; create it, or name another one.";
    assertThat(report.problems())
        .containsExactly(
            "source.topic (a) " + end,
            "sink.topic (b) " + end,
            "dead-letter.topic (c) " + end,
            "outcomes.topic (d) " + end,
            "kafka.properties.transaction.timeout.ms (3600000) is more than"
                + " transaction.max.timeout.ms of broker 1 (900000); lower the first, or raise the"
                + " second.");
  }

  @Test
  void messagesLargerThanTheTopicAcceptsAreRefused() {
    assertThat(check("flush.chunk-bytes", "934465 bytes").problems())
        .containsExactly(
            "flush.chunk-bytes (934465) plus 65536 bytes for key and headers is more than sink.topic"
                + " (buffered-segments) accepts (1000000); lower it, or set the topic's"
                + " max.message.bytes to 1000001 or more.");
    assertThat(check("flush.chunk-bytes", "934464 bytes").problems()).isEmpty();
  }

  @Test
  void topicWithoutRoomForAnySegmentIsRefused() {
    assertThat(check("sink.topic", "takes-60000").problems())
        .containsExactly(
            "sink.topic (takes-60000) accepts records of 60000 bytes at most, of which 65536 are"
                + " reserved for key and headers; set its max.message.bytes to a megabyte or more.");
  }

  @Test
  void recordsTooLargeToBecomeWholeDeadLettersCauseAWarning() {
    CheckReport smaller = check("dead-letter.topic", "takes-900000");
    assertThat(smaller.problems()).isEmpty();
    assertThat(smaller.warnings())
        .containsExactly(
            "dead-letter.topic (takes-900000) accepts records of 900000 bytes at most, but"
                + " source.topic (ingest-spans) of 1000000, so larger bad records become dead"
                + " letters without their value; set max.message.bytes of the first to 1065536 or"
                + " more.");
    CheckReport large = check("source.topic", "takes-65-mib", "dead-letter.topic", "takes-64-mib");
    assertThat(large.problems()).isEmpty();
    assertThat(large.warnings())
        .satisfiesExactly(
            tooLarge ->
                assertThat(tooLarge)
                    .isEqualTo(
                        "source.topic (takes-65-mib) accepts records of 68157440 bytes, but the"
                            + " producer of dead letters sends 67174400 at most, so larger bad"
                            + " records become dead letters without their value; set"
                            + " kafka.properties.max.request.size to 68222976, or lower the topic's"
                            + " max.message.bytes."),
            less -> assertThat(less).startsWith("dead-letter.topic (takes-64-mib) accepts"));
    assertThat(
            check(
                    "source.topic", "takes-64-mib",
                    "dead-letter.topic", "takes-65-mib",
                    "kafka.properties.max.request.size", "68222976")
                .warnings())
        .isEmpty();
  }

  @Test
  void topicWithoutRoomForOutcomesOrDeadLettersIsRefused() {
    assertThat(check("outcomes.topic", "takes-60000").problems())
        .containsExactly(
            "outcomes.topic (takes-60000) accepts records of 60000 bytes at most; set its"
                + " max.message.bytes to 65536 or more.");
    assertThat(check("dead-letter.topic", "takes-60000").problems())
        .containsExactly(
            "dead-letter.topic (takes-60000) accepts records of 60000 bytes at most; set its"
                + " max.message.bytes to 65536 or more.");
  }

  @Test
  void compactedTopicsAreRefused() {
    assertThat(check("dead-letter.topic", "compacted", "source.topic", "both").problems())
        .containsExactly(
            "source.topic (both) is compacted, so Kafka deletes records whose key occurs again, and"
                + " refuses those without a key; set its cleanup.policy to delete.",
            "dead-letter.topic (compacted) is compacted, so Kafka deletes records whose key occurs"
                + " again, and refuses those without a key; set its cleanup.policy to delete.");
  }

  @Test
  void transactionsAreCheckedOnlyIfTheyAreUsed() {
    CheckReport report =
        check(
            "sink.delivery-guarantee", "at-least-once",
            "kafka.properties.transaction.timeout.ms", "3600000");

    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings()).isEmpty();
  }

  @Test
  void checkpointsThatMayOutlastTheirTransactionCauseAWarning() {
    CheckReport report = check("kafka.properties.transaction.timeout.ms", "600000");

    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings())
        .containsExactly(
            "kafka.properties.transaction.timeout.ms (600000) is less than the checkpoint interval"
                + " (10 s) plus execution.checkpointing.timeout (10 min), so Kafka aborts the"
                + " transaction of a slow checkpoint, and its records are emitted again; raise the"
                + " first to 610000, or lower the others.");
  }

  @Test
  void propertiesThatTheClientsRefuseAreReportedWithoutSecrets() {
    assertThat(check("kafka.properties.max.in.flight.requests.per.connection", "6").problems())
        .containsExactly(
            "Kafka's producers refuse their properties (To use the idempotent producer,"
                + " max.in.flight.requests.per.connection must be set to at most 5. Current value is"
                + " 6.); correct them in kafka.properties.*.");
    assertThat(check("kafka.properties.fetch.max.bytes", "much").problems())
        .containsExactly(
            "Kafka's consumers refuse their properties (Invalid value much for configuration"
                + " fetch.max.bytes: Not a number of type INT); correct them in"
                + " kafka.properties.*.");
    assertThat(
            check(
                    "kafka.properties.max.request.size",
                    "hu",
                    "kafka.properties.fetch.max.bytes",
                    "ge",
                    "sink.topic",
                    "none")
                .problems())
        .as("together with other problems")
        .hasSize(3);
    assertThat(
            check(
                    "kafka.properties.security.protocol", "SASL_PLAINTEXT",
                    "kafka.properties.sasl.mechanism", "PLAIN",
                    "kafka.properties.sasl.jaas.config",
                        "org.apache.kafka.common.security.plain.PlainLoginModule required"
                            + " password=\"hunter2\" x;")
                .problems())
        .singleElement()
        .asString()
        .startsWith("Kafka at " + broker.bootstrapServers() + " does not answer (")
        .doesNotContain("hunter2");
  }

  @Test
  void unreachableKafkaIsReportedOnce() {
    assertThat(check("kafka.bootstrap.servers", "kafka.invalid:9092").problems())
        .containsExactly(
            "Kafka at kafka.invalid:9092 does not answer (No resolvable bootstrap urls given in"
                + " bootstrap.servers); check that the brokers run and are reachable from here, and"
                + " check kafka.bootstrap.servers and kafka.properties.*.");
  }

  @Test
  void missingRightsToReadLimitsCauseAWarningUnlessTheLimitIsNeeded() throws Exception {
    List<AclBinding> denied =
        List.of(
            deny(ResourceType.TOPIC, "*", AclOperation.DESCRIBE_CONFIGS),
            deny(ResourceType.CLUSTER, "kafka-cluster", AclOperation.DESCRIBE_CONFIGS));

    CheckReport report = checkWithout(denied, "flush.chunk-bytes", "500 kb");
    assertThat(report.problems()).isEmpty();
    assertThat(report.warnings())
        .hasSize(5)
        .contains(
            "The largest record that source.topic (ingest-spans) accepts is unknown (Topic"
                + " authorization failed.) and not checked; grant DescribeConfigs, or check its"
                + " max.message.bytes.",
            "The configuration of Kafka broker 1 cannot be read (Cluster authorization failed.), so"
                + " it is not checked that its transaction.max.timeout.ms is at least 900000, as it"
                + " must be; grant DescribeConfigs on the cluster.");
    assertThat(checkWithout(denied).problems())
        .containsExactly(
            "The largest record that sink.topic (buffered-segments) accepts is unknown (Topic"
                + " authorization failed.); grant DescribeConfigs on the topic, or set"
                + " flush.chunk-bytes.");
  }

  @Test
  void hiddenTopicsAreReportedWithTheMissingRight() throws Exception {
    CheckReport report =
        checkWithout(
            List.of(
                deny(ResourceType.TOPIC, "ingest-spans", AclOperation.DESCRIBE),
                deny(ResourceType.TOPIC, "outcomes", AclOperation.DESCRIBE)));

    assertThat(report.problems())
        .containsExactly(
            "Kafka hides source.topic (ingest-spans) from the job's user (Topic authorization"
                + " failed.); grant that user Read on it.",
            "Kafka hides outcomes.topic (outcomes) from the job's user (Topic authorization"
                + " failed.); grant that user Write on it.");
  }

  private static CheckReport check(String... options) {
    Configuration configuration = new Configuration();
    configuration.setString("kafka.bootstrap.servers", broker.bootstrapServers());
    configuration.setString("redis.uri", "redis://redis.invalid:6379");
    for (int i = 0; i < options.length; i += 2) {
      configuration.setString(options[i], options[i + 1]);
    }
    CheckReport report = new CheckReport();
    new KafkaCheck(SpanfoldConfig.of(configuration), START, report).run();
    return report;
  }

  private static void topic(String name, int maxMessageBytes) {
    broker.createTopic(name, 1, Map.of("max.message.bytes", Integer.toString(maxMessageBytes)));
  }

  private static AclBinding deny(ResourceType type, String name, AclOperation operation) {
    return rule(type, name, operation, AclPermissionType.DENY);
  }

  private static AclBinding rule(
      ResourceType type, String name, AclOperation operation, AclPermissionType permission) {
    return new AclBinding(
        new ResourcePattern(type, name, PatternType.LITERAL),
        new AccessControlEntry(USER, "*", operation, permission));
  }

  /**
   * Runs the checks while every user lacks some rights, and has all others.
   *
   * <p>The broker applies rules one by one, and with a delay. So those that allow are made before
   * those that deny and deleted after them: the test itself is never locked out.
   */
  private static CheckReport checkWithout(List<AclBinding> denied, String... options)
      throws Exception {
    // If there are rules, anything that no rule allows is forbidden.
    List<AclBinding> allowed =
        List.of(
            rule(ResourceType.TOPIC, "*", AclOperation.ALL, AclPermissionType.ALLOW),
            rule(ResourceType.CLUSTER, "kafka-cluster", AclOperation.ALL, AclPermissionType.ALLOW));
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", broker.bootstrapServers()))) {
      try {
        admin.createAcls(allowed).all().get();
        awaitRules(admin, allowed.size());
        admin.createAcls(denied).all().get();
        awaitRules(admin, allowed.size() + denied.size());
        return check(options);
      } finally {
        delete(admin, denied);
        awaitRules(admin, allowed.size());
        delete(admin, allowed);
        awaitRules(admin, 0);
      }
    }
  }

  private static void delete(Admin admin, List<AclBinding> rules) throws Exception {
    admin.deleteAcls(rules.stream().map(AclBinding::toFilter).toList()).all().get();
  }

  private static void awaitRules(Admin admin, int count) throws Exception {
    Await.until(() -> admin.describeAcls(AclBindingFilter.ANY).values().get().size() == count);
  }
}
