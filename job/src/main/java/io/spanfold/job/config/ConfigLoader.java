package io.spanfold.job.config;

import static io.spanfold.job.config.SpanfoldOptions.DEBUG_TRACES;
import static io.spanfold.job.config.SpanfoldOptions.INGEST_DROP;
import static io.spanfold.job.config.SpanfoldOptions.KAFKA_PROPERTIES_PREFIX;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_BUCKETS;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_CA_FILE;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_PASSWORD;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_PASSWORD_FILE;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_URI;
import static io.spanfold.job.config.SpanfoldOptions.SOURCE_STARTING_OFFSETS;

import io.spanfold.buffer.index.Buckets;
import io.spanfold.buffer.redis.RedisUris;
import io.spanfold.core.batch.BatchLimits;
import io.spanfold.core.fold.FoldSettings;
import io.spanfold.job.config.SpanfoldConfig.FlushSettings;
import io.spanfold.job.config.SpanfoldConfig.IngestSettings;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.config.SpanfoldConfig.RedisSettings;
import io.spanfold.job.config.SpanfoldConfig.SinkSettings;
import io.spanfold.job.config.SpanfoldConfig.SourceSettings;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;

/** Turns options into settings. {@link ConfigRules} checks the settings against one another. */
final class ConfigLoader {

  /** The brokers' default maximum. Flink's default of an hour is above it, and so is refused. */
  private static final String DEFAULT_TRANSACTION_TIMEOUT_MS = "900000";

  private final Configuration options;
  private final Duration checkpointInterval;
  private final int maxParallelism;
  private final UnaryOperator<String> environment;
  private final OptionReader reader;

  ConfigLoader(
      Configuration options,
      Duration checkpointInterval,
      int maxParallelism,
      UnaryOperator<String> environment) {
    this.options = options;
    this.checkpointInterval = checkpointInterval;
    this.maxParallelism = maxParallelism;
    this.environment = environment;
    this.reader = new OptionReader(options);
  }

  SpanfoldConfig load() {
    reader.refuseUnknown();
    SpanfoldConfig config =
        new SpanfoldConfig(
            kafka(),
            source(),
            sink(),
            redis(),
            ingest(),
            segment(),
            flush(),
            reader.get(SpanfoldOptions.ROLLOUT_PHASE),
            reader.get(SpanfoldOptions.COMPRESSION_LEVEL),
            reader.get(SpanfoldOptions.COMPRESSION_DICTIONARY),
            reader.get(SpanfoldOptions.START_CHECKS),
            debugTraces(),
            checkpointInterval,
            Map.copyOf(reader.shown()));
    ConfigRules.check(config, reader);
    if (!reader.problems().isEmpty()) {
      throw new InvalidSetupException(reader.problems());
    }
    return config;
  }

  private KafkaSettings kafka() {
    String servers = reader.required(SpanfoldOptions.KAFKA_BOOTSTRAP_SERVERS, "broker:9092");
    Map<String, String> properties = reader.kafkaProperties();
    String name = "transaction.timeout.ms";
    String timeout = properties.putIfAbsent(name, DEFAULT_TRANSACTION_TIMEOUT_MS);
    if (timeout != null && !timeout.matches("[1-9]\\d{0,8}")) {
      reader.problem(
          KAFKA_PROPERTIES_PREFIX + name,
          timeout,
          "is not a positive number of milliseconds",
          "write one, at most the brokers' transaction.max.timeout.ms");
      properties.put(name, DEFAULT_TRANSACTION_TIMEOUT_MS);
    }
    return new KafkaSettings(servers, Map.copyOf(properties));
  }

  private SourceSettings source() {
    return new SourceSettings(
        reader.get(SpanfoldOptions.SOURCE_TOPIC),
        reader.get(SpanfoldOptions.SOURCE_GROUP_ID),
        parsed(
                SOURCE_STARTING_OFFSETS,
                StartingOffsets::parse,
                "write earliest, latest, committed or a time in milliseconds since 1970")
            .orElseGet(() -> StartingOffsets.parse("committed")),
        reader.get(SpanfoldOptions.SOURCE_BOUNDED),
        reader.get(SpanfoldOptions.SOURCE_MAX_LAG),
        reader.get(SpanfoldOptions.SOURCE_MAX_SILENCE));
  }

  private SinkSettings sink() {
    return new SinkSettings(
        reader.get(SpanfoldOptions.SINK_TOPIC),
        reader.get(SpanfoldOptions.SINK_DELIVERY_GUARANTEE),
        reader.get(SpanfoldOptions.SINK_TRANSACTIONAL_ID_PREFIX),
        reader.get(SpanfoldOptions.DEAD_LETTER_TOPIC),
        reader.get(SpanfoldOptions.OUTCOMES_TOPIC));
  }

  private RedisSettings redis() {
    return new RedisSettings(
        redisNodes(),
        reader.optional(SpanfoldOptions.REDIS_USERNAME).orElse(null),
        redisPassword().orElse(null),
        redisAuthorities().orElse(null),
        reader.get(SpanfoldOptions.REDIS_TTL),
        reader.get(SpanfoldOptions.REDIS_MAX_MEMORY_FRACTION),
        reader.get(SpanfoldOptions.REDIS_BUFFER),
        buckets());
  }

  /** Fewer than the default if there are not as many key groups. */
  private Buckets buckets() {
    int count = reader.get(REDIS_BUCKETS);
    if (count >= 1 && count <= maxParallelism) {
      return new Buckets(count, maxParallelism);
    }
    if (options.contains(REDIS_BUCKETS)) {
      reader.problem(
          REDIS_BUCKETS,
          "is not between 1 and the job's maximum parallelism, which is " + maxParallelism,
          "write such a number, or raise pipeline.max-parallelism");
    }
    return new Buckets(maxParallelism, maxParallelism);
  }

  private List<URI> redisNodes() {
    String text = reader.required(SpanfoldOptions.REDIS_URI, "redis://redis:6379");
    try {
      return text.isEmpty() ? List.of() : RedisUris.parse(text);
    } catch (IllegalArgumentException e) {
      // Without the value, which may contain a password.
      reader.problems().add("redis.uri " + e.getMessage() + ".");
      return List.of();
    }
  }

  private Optional<String> redisAuthorities() {
    Optional<String> file = reader.optional(REDIS_CA_FILE);
    if (file.isEmpty()) {
      return Optional.empty();
    }
    if (!options.get(REDIS_URI, "").contains("rediss://")) {
      reader.problem(
          REDIS_CA_FILE, "is given, but redis.uri has no TLS", "write rediss:// or leave it out");
    }
    try (var bytes = Files.newInputStream(Path.of(file.get()))) {
      var authorities = CertificateFactory.getInstance("X.509").generateCertificates(bytes);
      if (!authorities.isEmpty()) {
        return Optional.of(pem(authorities));
      }
      reader.problem(REDIS_CA_FILE, "has no certificates", "name a PEM file of certificates");
    } catch (CertificateException e) {
      reader.problem(REDIS_CA_FILE, "has no certificates", "name a PEM file of certificates");
    } catch (IOException | InvalidPathException e) {
      unreadable(REDIS_CA_FILE, e, "a PEM file");
    }
    return Optional.empty();
  }

  /** Writes the certificates only: the file may hold a private key as well. */
  private static String pem(Collection<? extends Certificate> certificates)
      throws CertificateException {
    StringBuilder text = new StringBuilder();
    for (Certificate certificate : certificates) {
      text.append("-----BEGIN CERTIFICATE-----\n")
          .append(Base64.getMimeEncoder().encodeToString(certificate.getEncoded()))
          .append("\n-----END CERTIFICATE-----\n");
    }
    return text.toString();
  }

  private Optional<String> redisPassword() {
    Optional<String> password = reader.optional(REDIS_PASSWORD);
    Optional<String> file = reader.optional(REDIS_PASSWORD_FILE);
    if (password.isPresent() && file.isPresent()) {
      reader.problem(
          REDIS_PASSWORD_FILE, "is given together with redis.password", "leave out one of the two");
      return password;
    }
    if (file.isPresent()) {
      return passwordFrom(file.get());
    }
    String variable = environment.apply(SpanfoldOptions.REDIS_PASSWORD_VARIABLE);
    return password.or(() -> Optional.ofNullable(variable).filter(text -> !text.isEmpty()));
  }

  private Optional<String> passwordFrom(String file) {
    try (var lines = Files.lines(Path.of(file))) {
      Optional<String> first = lines.findFirst().filter(line -> !line.isEmpty());
      if (first.isEmpty()) {
        reader.problem(
            REDIS_PASSWORD_FILE, "has an empty first line", "write the password into it");
      }
      return first;
    } catch (IOException | InvalidPathException | UncheckedIOException e) {
      unreadable(REDIS_PASSWORD_FILE, e, "a text file");
      return Optional.empty();
    }
  }

  private void unreadable(ConfigOption<String> option, Exception cause, String wanted) {
    reader.problem(
        option,
        "cannot be read (" + cause.getClass().getSimpleName() + ")",
        "name " + wanted + " that exists where the job is submitted");
  }

  private IngestSettings ingest() {
    return new IngestSettings(
        new BatchLimits(
            reader.get(SpanfoldOptions.INGEST_BATCH_MAX_SPANS),
            reader.get(SpanfoldOptions.INGEST_BATCH_MAX_BYTES).getBytes(),
            reader.get(SpanfoldOptions.INGEST_BATCH_MAX_DELAY).toMillis()),
        parsed(
                INGEST_DROP,
                DropRules::parse,
                "write the trace as 32 hexadecimal digits, and separate rules by semicolons")
            .orElseGet(() -> DropRules.parse(List.of())),
        reader.get(SpanfoldOptions.INGEST_ADOPT));
  }

  private FoldSettings segment() {
    return new FoldSettings(
        reader.get(SpanfoldOptions.SEGMENT_TIMEOUT).toMillis(),
        reader.get(SpanfoldOptions.SEGMENT_ROOT_TIMEOUT).toMillis(),
        reader.get(SpanfoldOptions.SEGMENT_MAX_AGE).toMillis(),
        reader.get(SpanfoldOptions.SEGMENT_LATE_GRACE).toMillis(),
        reader.get(SpanfoldOptions.SEGMENT_MAX_BYTES).getBytes(),
        reader.get(SpanfoldOptions.SEGMENT_MAX_SPANS));
  }

  private FlushSettings flush() {
    return new FlushSettings(
        reader.optional(SpanfoldOptions.FLUSH_PARALLELISM).orElse(0),
        reader.get(SpanfoldOptions.FLUSH_IN_FLIGHT_BYTES).getBytes(),
        reader.get(SpanfoldOptions.FLUSH_LOCK_TTL),
        // Clamped, not cast, so that a value that is too large stays too large and is refused.
        reader
            .optional(SpanfoldOptions.FLUSH_CHUNK_BYTES)
            .map(MemorySize::getBytes)
            .map(bytes -> (int) Math.min(bytes, Integer.MAX_VALUE))
            .orElse(0));
  }

  private List<String> debugTraces() {
    List<String> traces = new ArrayList<>();
    for (String text : reader.get(DEBUG_TRACES)) {
      if (text.matches(DropRules.TRACE_ID)) {
        traces.add(text.replace("-", "").toLowerCase(Locale.ROOT));
      } else {
        reader.problem(
            DEBUG_TRACES,
            "has '" + text + "', which is not a trace id",
            "write 32 hexadecimal digits, several separated by semicolons");
      }
    }
    return List.copyOf(traces);
  }

  /** Parses the value in force; empty if it has the wrong form, which is then a problem. */
  private <T, R> Optional<R> parsed(ConfigOption<T> option, Function<T, R> parser, String remedy) {
    try {
      return Optional.of(parser.apply(reader.get(option)));
    } catch (IllegalArgumentException e) {
      reader.problem(option, e.getMessage(), remedy);
      return Optional.empty();
    }
  }
}
