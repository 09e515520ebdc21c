package io.spanfold.job.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.layout.RolloutPhase;
import io.spanfold.core.batch.BatchLimits;
import io.spanfold.core.model.TraceKey;
import io.spanfold.job.config.StartingOffsets.Origin;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SpanfoldConfigTest {

  private static final Map<String, String> REQUIRED =
      Map.of("kafka.bootstrap.servers", "broker:9092", "redis.uri", "redis://one:7000");

  @TempDir Path directory;

  @Test
  void defaultsAreThoseOfTheDocumentation() {
    SpanfoldConfig config = load();

    assertThat(config.source().topic()).isEqualTo("ingest-spans");
    assertThat(config.source().startingOffsets().origin()).isEqualTo(Origin.COMMITTED);
    assertThat(config.source().bounded()).isFalse();
    assertThat(config.sink().guarantee()).isEqualTo(DeliveryGuarantee.EXACTLY_ONCE);
    assertThat(config.sink().topic()).isEqualTo("buffered-segments");
    assertThat(config.redis().ttl()).isEqualTo(Duration.ofHours(24));
    assertThat(config.redis().maxMemoryFraction()).isEqualTo(0.8);
    assertThat(config.ingest().batch()).isEqualTo(new BatchLimits(20_000, 16L << 20, 500));
    assertThat(config.segment().timeout()).isEqualTo(60_000);
    assertThat(config.segment().rootTimeout()).isEqualTo(10_000);
    assertThat(config.segment().maxBytes()).isEqualTo(10L << 20);
    assertThat(config.segment().maxAge()).isEqualTo(900_000);
    assertThat(config.segment().lateGrace()).isEqualTo(60_000);
    assertThat(config.flush().inFlightBytes()).isEqualTo(64L << 20);
    assertThat(config.flush().lockTtl()).isEqualTo(Duration.ofMinutes(5));
    assertThat(config.flush().chunkBytes()).isZero();
    assertThat(config.flush().parallelism()).isZero();
    assertThat(config.phase()).isEqualTo(RolloutPhase.DISTRIBUTED);
    assertThat(config.compressionLevel()).isZero();
    assertThat(config.kafka().transactionTimeoutMs()).isEqualTo(900_000);
  }

  @Test
  void readsValuesAsFlinkWritesThem() {
    SpanfoldConfig config =
        load(
            "segment.timeout", "40 d",
            "segment.root-timeout", "1500 ms",
            "segment.max-bytes", "3 mb",
            "flush.chunk-bytes", "20000",
            "flush.parallelism", "3",
            "sink.delivery-guarantee", "at-least-once",
            "source.starting-offsets", "1700000000000",
            "source.bounded", "true",
            "ingest.drop", "007; organization:0; 8:0123456789ABCDEF0123456789abcdef",
            "debug.traces", "01234567-89ab-cdef-0123-456789abcdef",
            "kafka.properties.security.protocol", "SASL_SSL");

    assertThat(config.segment().timeout()).isEqualTo(Duration.ofDays(40).toMillis());
    assertThat(config.segment().rootTimeout()).isEqualTo(1_500);
    assertThat(config.segment().maxBytes()).isEqualTo(3L << 20);
    assertThat(config.flush().chunkBytes()).isEqualTo(20_000);
    assertThat(config.flush().parallelism()).isEqualTo(3);
    assertThat(config.sink().guarantee()).isEqualTo(DeliveryGuarantee.AT_LEAST_ONCE);
    assertThat(config.source().startingOffsets())
        .isEqualTo(new StartingOffsets(Origin.TIMESTAMP, 1_700_000_000_000L));
    assertThat(config.source().bounded()).isTrue();
    assertThat(config.ingest().drop())
        .isEqualTo(
            new DropRules(
                Set.of(0L),
                Set.of(7L),
                Set.of(new TraceKey(8, 0x0123456789abcdefL, 0x0123456789abcdefL))));
    assertThat(config.debugTraces()).containsExactly("0123456789abcdef0123456789abcdef");
    assertThat(config.kafka().properties())
        .containsEntry("security.protocol", "SASL_SSL")
        .containsEntry("transaction.timeout.ms", "900000");
  }

  @Test
  void acceptsSegmentTimeoutsAboveTheMaximumAge() {
    SpanfoldConfig config = load("segment.timeout", "40 d", "segment.root-timeout", "30 d");

    assertThat(config.segment().rootTimeout()).isGreaterThan(config.segment().maxAge());
  }

  @Test
  void survivesSerialization() throws Exception {
    SpanfoldConfig config = load("redis.password", "s3cret", "flush.chunk-bytes", "1 mb");

    SpanfoldConfig read = InstantiationUtil.clone(config);

    assertThat(read).isEqualTo(config);
    assertThat(read.redis().password()).isEqualTo("s3cret");
  }

  @Test
  void readsSeveralRedisNodesAndAddsThePort() {
    SpanfoldConfig config = load("redis.uri", "rediss://one, rediss://two:7001");

    assertThat(config.redis().nodes().toString())
        .isEqualTo("[rediss://one:6379, rediss://two:7001]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "one:6379",
        "http://one",
        "redis://",
        "redis://one/3",
        "redis://a,,redis://b",
        "redis://one:99999",
        "redis://one?x=1",
        "redis://one,rediss://two"
      })
  void refusesOtherFormsOfRedisUris(String uri) {
    assertThat(problems("redis.uri", uri))
        .isNotEmpty()
        .allMatch(text -> text.contains("redis.uri"));
  }

  @Test
  void refusesAPasswordInTheUriWithoutShowingIt() {
    assertThat(problems("redis.uri", "redis://:s3cret@one:6379"))
        .singleElement()
        .asString()
        .contains("redis.uri", "redis.password.file")
        .doesNotContain("s3cret");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "segment.late-grace | 5 min | flush.lock-ttl (5 min) must be longer than segment.late-grace",
        "flush.lock-ttl | 100 s | flush.lock-ttl (100 s) must be longer than segment.late-grace",
        "flush.lock-ttl | 15 min | segment.max-age (15 min) must be longer than flush.lock-ttl",
        "segment.max-age | 24 h | redis.ttl (1 d) must be longer than segment.max-age",
        "segment.timeout | 0 s | segment.timeout (0 s) is not positive",
        "ingest.batch.max-delay | 1 ns | ingest.batch.max-delay (1 ns) is not positive",
        "ingest.batch.max-spans | 0 | ingest.batch.max-spans (0) is not positive",
        "ingest.batch.max-bytes | 0 | ingest.batch.max-bytes (0) is not positive",
        "ingest.batch.max-bytes | 2 gb | ingest.batch.max-bytes (2 gb) is more than a batch can hold",
        "redis.buckets | 0 | redis.buckets (0) is not between 1 and the job's maximum parallelism",
        "redis.buckets | 5041 | which is 5040; write such a number, or raise pipeline.max-parallelism",
        "flush.parallelism | 0 | flush.parallelism (0) is not positive",
        "flush.chunk-bytes | 0 | flush.chunk-bytes (0) is out of bounds",
        "flush.chunk-bytes | 3 gb | flush.chunk-bytes (3 gb) is out of bounds",
        "flush.chunk-bytes | 10000001 | flush.chunk-bytes (10000001) is out of bounds",
        "redis.max-memory-fraction | 1.0 | is not between 0 and 1",
        "redis.max-memory-fraction | NaN | is not between 0 and 1",
        "compression.level | 23 | is not a Zstandard level",
        "segment.timeout | soon | segment.timeout (soon) cannot be read; write a duration",
        "flush.chunk-bytes | big | cannot be read; write a size",
        "flush.parallelism | many | cannot be read; write a whole number",
        "sink.delivery-guarantee | twice | exactly-once, at-least-once, none",
        "source.starting-offsets | -1 | is not a starting offset",
        "rollout.phase | split | cannot be read; write one of merged, dual-write, dual-read",
        "sink.topic | ingest-spans | is also the topic of source.topic",
        "outcomes.topic | out comes | is not a valid name",
        "debug.traces | abc | is not a trace id",
        "ingest.drop | acme | the rule 'acme', which is not a project id, project:trace or",
        "ingest.drop | 7;-1 | the rule '-1', which is not",
        "ingest.drop | 9223372036854775808 | the rule '9223372036854775808', which is not",
        "ingest.drop | 7:0123 | write the trace as 32 hexadecimal digits",
        "ingest.drop | :0123456789abcdef0123456789abcdef | which is not",
        "ingest.drop | organization:acme | separate rules by semicolons",
        "ingest.drop | org:7 | which is not",
        "kafka.properties.group.id | mine | set source.group.id instead",
        "kafka.properties.acks | 1 | cannot be combined with exactly-once delivery",
        "kafka.properties.transaction.timeout.ms | 15000 | raise it to 40000",
        "kafka.properties.transaction.timeout.ms | long | is not a positive number",
        "segment.time-out | 3 s | did you mean segment.timeout?",
        "redis.urls | x | did you mean redis.uri?"
      })
  void refusesValuesThatCannotWork(String name, String value, String expected) {
    assertThat(problems(name, value)).singleElement().asString().contains(expected);
  }

  @Test
  void comparesTheLockWithTheCheckpointIntervalOfTheJob() {
    Configuration options = Configuration.fromMap(REQUIRED);

    assertThatThrownBy(() -> SpanfoldConfig.of(options, Duration.ofMinutes(10), 5040))
        .isInstanceOf(InvalidSetupException.class)
        .hasMessageContaining("the checkpoint interval (10 min)");
  }

  @ParameterizedTest
  @EnumSource
  void acceptsEveryPhaseUnlessMergedBatchesExceedTheLimitOfRedis(RolloutPhase phase) {
    assertThat(load("rollout.phase", phase.toString()).phase()).isEqualTo(phase);
    List<String> problems =
        problems("rollout.phase", phase.toString(), "ingest.batch.max-bytes", "513 mb");
    if (phase == RolloutPhase.DISTRIBUTED) {
      assertThat(problems).isEmpty();
    } else {
      assertThat(problems)
          .singleElement()
          .asString()
          .contains("ingest.batch.max-bytes (513 mb)", "rollout.phase " + phase)
          .contains("lower it to 512 mb or less, or set rollout.phase to distributed");
    }
  }

  @Test
  void thereAreNoMoreBucketsThanKeyGroups() {
    Configuration options = configuration();
    assertThat(SpanfoldConfig.of(options).redis().buckets()).isEqualTo(new Buckets(64, 5040));
    assertThat(SpanfoldConfig.of(options, Duration.ofSeconds(10), 12).redis().buckets())
        .isEqualTo(new Buckets(12, 12));
    assertThat(load("redis.buckets", "5040").redis().buckets()).isEqualTo(new Buckets(5040, 5040));
  }

  @Test
  void reportsAllProblemsTogether() {
    assertThatThrownBy(
            () ->
                SpanfoldConfig.of(
                    Configuration.fromMap(Map.of("segment.timeout", "-", "no.such", "1"))))
        .isInstanceOf(InvalidSetupException.class)
        .hasMessageContaining("There are 4 problems")
        .hasMessageContaining("no.such")
        .hasMessageContaining("segment.timeout")
        .hasMessageContaining("kafka.bootstrap.servers is not given")
        .hasMessageContaining("redis.uri is not given");
  }

  @Test
  void passwordComesFromTheOptionThenTheFileThenTheEnvironment() throws IOException {
    Path file = Files.writeString(directory.resolve("password"), "from file\nmore\n");
    Map<String, String> options = new HashMap<>(REQUIRED);

    assertThat(password(options, null)).isNull();
    assertThat(password(options, "from environment")).isEqualTo("from environment");
    options.put("redis.password.file", file.toString());
    assertThat(password(options, "from environment")).isEqualTo("from file");
    options.remove("redis.password.file");
    options.put("redis.password", "from option");
    assertThat(password(options, "from environment")).isEqualTo("from option");
  }

  @Test
  void refusesTwoPasswordsAndAMissingFile() {
    assertThat(problems("redis.password", "s3cret", "redis.password.file", "x"))
        .singleElement()
        .asString()
        .contains("together with redis.password")
        .doesNotContain("s3cret");
    assertThat(problems("redis.password.file", directory.resolve("none").toString()))
        .singleElement()
        .asString()
        .contains("cannot be read (NoSuchFileException)");
  }

  @Test
  void refusesAuthoritiesThatAreUnreadableOrNotNeeded() throws IOException {
    Path file = Files.writeString(directory.resolve("no.pem"), "s3cret");
    assertThat(problems("redis.uri", "rediss://a", "redis.ca-file", file.toString()))
        .singleElement()
        .asString()
        .contains("redis.ca-file", "PEM")
        .doesNotContain("s3cret");
    assertThat(problems("redis.uri", "rediss://a", "redis.ca-file", file + ".none"))
        .singleElement()
        .asString()
        .contains("cannot be read (NoSuchFileException)");
    assertThat(problems("redis.uri", "redis://a", "redis.ca-file", file.toString()))
        .anySatisfy(problem -> assertThat(problem).contains("redis.uri has no TLS"));
  }

  @Test
  void neverShowsASecret() {
    SpanfoldConfig config =
        load(
            "redis.password", "s3cret",
            "kafka.properties.ssl.keystore.password", "s3cret",
            "kafka.properties.ssl.keystore.key", "s3cret",
            "kafka.properties.sasl.jaas.config", "s3cret",
            "kafka.properties.sasl.oauthbearer.client.credentials.client.SECRET", "s3cret");

    String shown =
        config.describe() + config + config.redis() + config.kafka() + config.shown().values();
    assertThat(shown).doesNotContain("s3cret");
    assertThat(config.describe())
        .contains("redis.password: ******\n", "kafka.properties.ssl.keystore.password: ******\n")
        .contains("segment.timeout: 1 min\n");
  }

  private static String password(Map<String, String> options, String environment) {
    return new ConfigLoader(
            Configuration.fromMap(options),
            SpanfoldConfig.DEFAULT_CHECKPOINT_INTERVAL,
            Buckets.DEFAULT_MAX_PARALLELISM,
            name -> name.equals("SPANFOLD_REDIS_PASSWORD") ? environment : null)
        .load()
        .redis()
        .password();
  }

  private static SpanfoldConfig load(String... namesAndValues) {
    return SpanfoldConfig.of(configuration(namesAndValues));
  }

  private static List<String> problems(String... namesAndValues) {
    try {
      load(namesAndValues);
    } catch (InvalidSetupException e) {
      return e.problems();
    }
    return List.of();
  }

  private static Configuration configuration(String... namesAndValues) {
    Map<String, String> options = new HashMap<>(REQUIRED);
    for (int i = 0; i < namesAndValues.length; i += 2) {
      options.put(namesAndValues[i], namesAndValues[i + 1]);
    }
    return Configuration.fromMap(options);
  }
}
