package io.spanfold.job.config;

import static io.spanfold.job.config.SpanfoldOptions.REDIS_CA_FILE;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_PASSWORD;
import static io.spanfold.job.config.SpanfoldOptions.REDIS_PASSWORD_FILE;

import io.spanfold.buffer.redis.RedisUris;
import io.spanfold.job.config.SpanfoldConfig.FlushSettings;
import io.spanfold.job.config.SpanfoldConfig.IngestSettings;
import io.spanfold.job.config.SpanfoldConfig.KafkaSettings;
import io.spanfold.job.config.SpanfoldConfig.RedisSettings;
import io.spanfold.job.config.SpanfoldConfig.SegmentSettings;
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
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.apache.flink.configuration.ConfigOption;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.configuration.MemorySize;

/** Reads options into settings. What the values must be to one another is up to the rules. */
final class ConfigLoader {

  // The broker's own maximum unless it was changed; Flink's default of an hour is refused by it.
  private static final String DEFAULT_TRANSACTION_TIMEOUT_MS = "900000";
  private static final String ORGANIZATION = "organization:";
  private static final Pattern ID = Pattern.compile("[0-9]{1,19}");
  private static final Pattern TRACE_ID = Pattern.compile("[0-9a-f]{32}");

  private final Configuration options;
  private final Duration checkpointInterval;
  private final UnaryOperator<String> environment;
  private final OptionReader reader;

  ConfigLoader(
      Configuration options, Duration checkpointInterval, UnaryOperator<String> environment) {
    this.options = options;
    this.checkpointInterval = checkpointInterval;
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
      throw new InvalidConfigException(reader.problems());
    }
    return config;
  }

  private KafkaSettings kafka() {
    String servers = reader.required(SpanfoldOptions.KAFKA_BOOTSTRAP_SERVERS, "broker:9092");
    Map<String, String> properties = new TreeMap<>(reader.kafkaProperties());
    String timeout =
        properties.putIfAbsent("transaction.timeout.ms", DEFAULT_TRANSACTION_TIMEOUT_MS);
    if (timeout != null && !timeout.matches("[1-9]\\d{0,8}")) {
      reader.problem(
          SpanfoldOptions.KAFKA_PROPERTIES_PREFIX + "transaction.timeout.ms",
          timeout,
          "is not a positive number of milliseconds",
          "write one, at most the brokers' transaction.max.timeout.ms");
      properties.put("transaction.timeout.ms", DEFAULT_TRANSACTION_TIMEOUT_MS);
    }
    return new KafkaSettings(servers, Map.copyOf(properties));
  }

  private SourceSettings source() {
    String start = reader.get(SpanfoldOptions.SOURCE_STARTING_OFFSETS).strip();
    StartingOffsets offsets;
    try {
      offsets = StartingOffsets.parse(start);
    } catch (IllegalArgumentException e) {
      reader.problem(
          SpanfoldOptions.SOURCE_STARTING_OFFSETS,
          "is no place to start from",
          "write earliest, latest, committed or a time in milliseconds");
      offsets = StartingOffsets.parse("committed");
    }
    return new SourceSettings(
        reader.get(SpanfoldOptions.SOURCE_TOPIC),
        reader.get(SpanfoldOptions.SOURCE_GROUP_ID),
        offsets,
        reader.get(SpanfoldOptions.SOURCE_BOUNDED));
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
        reader.get(SpanfoldOptions.REDIS_BUFFER));
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
    if (!options.get(SpanfoldOptions.REDIS_URI, "").contains("rediss://")) {
      reader.problem(
          REDIS_CA_FILE, "is given, but redis.uri has no TLS", "write rediss:// or leave it out");
    }
    try (var bytes = Files.newInputStream(Path.of(file.get()))) {
      var authorities = CertificateFactory.getInstance("X.509").generateCertificates(bytes);
      if (authorities.isEmpty()) {
        reader.problem(REDIS_CA_FILE, "has no certificate", "name a PEM file of certificates");
      }
      return Optional.of(pem(authorities));
    } catch (CertificateException e) {
      reader.problem(REDIS_CA_FILE, "has no certificates", "name a PEM file of certificates");
    } catch (IOException | InvalidPathException e) {
      reader.problem(
          REDIS_CA_FILE,
          "cannot be read (" + e.getClass().getSimpleName() + ")",
          "name a PEM file that is there where the job is submitted");
    }
    return Optional.empty();
  }

  /** Writes certificates down and nothing else: the file may have a private key beside them. */
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
          REDIS_PASSWORD_FILE, "is given beside redis.password", "leave one of the two out");
      return password;
    }
    if (password.isPresent()) {
      return password;
    }
    if (file.isPresent()) {
      return passwordFrom(file.get());
    }
    return Optional.ofNullable(environment.apply(SpanfoldOptions.REDIS_PASSWORD_VARIABLE))
        .filter(text -> !text.isEmpty());
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
      reader.problem(
          REDIS_PASSWORD_FILE,
          "cannot be read (" + e.getClass().getSimpleName() + ")",
          "name a text file that is there where the job is submitted");
      return Optional.empty();
    }
  }

  private IngestSettings ingest() {
    List<String> drop = new ArrayList<>();
    for (String rule : reader.get(SpanfoldOptions.INGEST_DROP)) {
      String plain = dropRule(rule);
      if (plain == null) {
        reader.problem(
            SpanfoldOptions.INGEST_DROP,
            "has the rule '"
                + rule
                + "', which names neither a project nor a trace of one, nor an organization",
            "write a project id, project:trace with the trace as 32 hexadecimal digits, or"
                + " organization:id; several separated by semicolons");
      } else {
        drop.add(plain);
      }
    }
    return new IngestSettings(
        reader.get(SpanfoldOptions.INGEST_BATCH_MAX_SPANS),
        reader.get(SpanfoldOptions.INGEST_BATCH_MAX_BYTES).getBytes(),
        reader.get(SpanfoldOptions.INGEST_BATCH_MAX_DELAY),
        List.copyOf(drop),
        reader.get(SpanfoldOptions.INGEST_ADOPT));
  }

  private SegmentSettings segment() {
    return new SegmentSettings(
        reader.get(SpanfoldOptions.SEGMENT_TIMEOUT),
        reader.get(SpanfoldOptions.SEGMENT_ROOT_TIMEOUT),
        reader.get(SpanfoldOptions.SEGMENT_MAX_BYTES).getBytes(),
        reader.get(SpanfoldOptions.SEGMENT_MAX_SPANS),
        reader.get(SpanfoldOptions.SEGMENT_MAX_AGE),
        reader.get(SpanfoldOptions.SEGMENT_LATE_GRACE));
  }

  private FlushSettings flush() {
    return new FlushSettings(
        reader.optional(SpanfoldOptions.FLUSH_PARALLELISM).orElse(0),
        reader.get(SpanfoldOptions.FLUSH_IN_FLIGHT_BYTES).getBytes(),
        reader.get(SpanfoldOptions.FLUSH_LOCK_TTL),
        chunkBytes(SpanfoldOptions.FLUSH_CHUNK_BYTES));
  }

  private int chunkBytes(ConfigOption<MemorySize> option) {
    // Clamped, not cast: what is too large stays too large, and the rules refuse it.
    return reader
        .optional(option)
        .map(size -> (int) Math.min(size.getBytes(), Integer.MAX_VALUE))
        .orElse(0);
  }

  private List<String> debugTraces() {
    List<String> traces = new ArrayList<>();
    for (String text : reader.get(SpanfoldOptions.DEBUG_TRACES)) {
      String trace = traceId(text);
      if (trace == null) {
        reader.problem(
            SpanfoldOptions.DEBUG_TRACES,
            "has '" + text + "', which is no trace id",
            "write 32 hexadecimal digits, several separated by semicolons");
      } else {
        traces.add(trace);
      }
    }
    return List.copyOf(traces);
  }

  /** Returns a rule in its one form, see {@link IngestSettings}; null where it is none. */
  private static String dropRule(String rule) {
    if (rule.startsWith(ORGANIZATION)) {
      String organization = id(rule.substring(ORGANIZATION.length()));
      return organization == null ? null : ORGANIZATION + organization;
    }
    int colon = rule.indexOf(':');
    if (colon < 0) {
      return id(rule);
    }
    String project = id(rule.substring(0, colon));
    String trace = traceId(rule.substring(colon + 1));
    return project == null || trace == null ? null : project + ":" + trace;
  }

  /** Returns the id of a project or an organization without leading zeros; null if it is none. */
  private static String id(String text) {
    if (!ID.matcher(text).matches()) {
      return null;
    }
    try {
      return Long.toString(Long.parseLong(text));
    } catch (NumberFormatException e) {
      return null; // larger than any that a record can have
    }
  }

  private static String traceId(String text) {
    String digits =
        text.length() == 36 ? text.replace("-", "") : text; // the dashed form is accepted too
    String lower = digits.toLowerCase(Locale.ROOT);
    return TRACE_ID.matcher(lower).matches() ? lower : null;
  }
}
