package io.spanfold.buffer.redis;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import redis.clients.jedis.Connection;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Pipeline;
import redis.clients.jedis.Protocol;
import redis.clients.jedis.Response;

/**
 * Sends commands in one pipeline per node, and retries only those that failed.
 *
 * <p>The calling thread reads the nodes' answers one after another. Jedis sends a full buffer while
 * commands are still added, so all nodes work at the same time without further threads. For use by
 * one thread at a time, except {@link #retried}.
 */
public final class RedisPipelines implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(RedisPipelines.class);

  /** Commands in flight at once on all nodes; with MAX_BYTES, bounds the memory of answers. */
  private static final int MAX_COMMANDS = 2_000;

  private static final long MAX_BYTES = 8L << 20;

  private final RedisNodes nodes;
  private final RetryPolicy retries;
  private final AtomicLong retried = new AtomicLong();

  public RedisPipelines(RedisNodes nodes, RetryPolicy retries) {
    this.nodes = nodes;
    this.retries = retries;
  }

  /**
   * Connects; recognises a cluster.
   *
   * @throws StoreException if no node can be reached within the time for retries, or the login is
   *     refused
   */
  public static RedisPipelines connect(ConnectionSettings settings, RetryPolicy retries) {
    return new RedisPipelines(RedisNodes.connect(settings, retries), retries);
  }

  /**
   * Sends all commands and returns their answers in the same order.
   *
   * @param what the purpose, in words that complete "cannot"
   * @throws StoreRefusedException if Redis refused a command until the time for retries was over
   * @throws StoreException if another failure lasted as long, or retrying does not help
   */
  public <T> List<T> send(String what, List<RedisCommand<T>> commands) {
    Round<T> round = new Round<>(commands);
    RetryPolicy.Attempts attempts = retries.begin();
    boolean loadedScripts = false;
    while (true) {
      round.run();
      if (round.worst == null) {
        return Arrays.asList(round.answers);
      }
      if (round.worst == RedisFailure.FATAL) {
        throw failed(what, round, attempts);
      }
      retried.addAndGet(round.pending.size());
      boolean prepared = prepare(round);
      // A restarted node that lacks only the scripts needs no time to recover: once, no pause.
      if (round.worst == RedisFailure.NO_SCRIPT && prepared && !loadedScripts) {
        loadedScripts = true;
        attempts.again();
      } else {
        waitFor(what, round, attempts);
      }
    }
  }

  /**
   * Sends commands of several types.
   *
   * @return the answers in the same order, each as its command reads it
   * @throws StoreException see {@link #send(String, List)}
   */
  @SuppressWarnings("unchecked")
  public List<Object> sendMixed(String what, List<RedisCommand<?>> commands) {
    // Answers are used as objects only.
    return send(what, (List<RedisCommand<Object>>) (List<?>) commands);
  }

  /**
   * Sends one command.
   *
   * @throws StoreException see {@link #send(String, List)}
   */
  public <T> T send(String what, RedisCommand<T> command) {
    return send(what, List.of(command)).get(0);
  }

  /**
   * Returns pipelines over the same connections that never retry. Do not close them; they are
   * unusable once this object is closed.
   */
  public RedisPipelines withoutRetries() {
    return new RedisPipelines(
        nodes,
        new RetryPolicy(Duration.ZERO, retries.clock(), retries.sleeper(), retries.random()));
  }

  /** Returns the number of commands that were sent again so far; for any thread. */
  public long retried() {
    return retried.get();
  }

  @Override
  public void close() {
    nodes.close();
  }

  private <T> void waitFor(String what, Round<T> round, RetryPolicy.Attempts attempts) {
    LOG.debug("Cannot {} (attempt {}), will retry", what, attempts.made(), round.failure);
    if (!attempts.pause(what, round.failure)) {
      throw failed(what, round, attempts);
    }
  }

  /** Prepares the next attempt as the failures require; returns whether that was possible. */
  private boolean prepare(Round<?> round) {
    boolean prepared = true;
    if (round.seen.contains(RedisFailure.MOVED)
        || round.seen.contains(RedisFailure.UNAVAILABLE)
        || round.seen.contains(RedisFailure.REFUSED)) {
      prepared = isDone(nodes::refresh);
    }
    for (Map.Entry<HostAndPort, Set<RedisScript>> missing : round.missingScripts.entrySet()) {
      prepared &= isDone(() -> load(missing.getValue(), missing.getKey()));
    }
    return prepared;
  }

  private static boolean isDone(Runnable step) {
    try {
      step.run();
      return true;
    } catch (RuntimeException e) {
      // The next attempt fails for the same reason, and counts it.
      LOG.debug("Cannot prepare the next attempt", e);
      return false;
    }
  }

  private void load(Set<RedisScript> scripts, HostAndPort node) {
    try (Connection connection = nodes.connect(node)) {
      for (RedisScript script : scripts) {
        connection.sendCommand(
            Protocol.Command.SCRIPT, Protocol.Keyword.LOAD.getRaw(), script.text());
        connection.getOne();
      }
    }
  }

  private static StoreException failed(String what, Round<?> round, RetryPolicy.Attempts attempts) {
    String message =
        "cannot %s: %d of %d commands failed on %s after %d attempts in %d ms, the last with: %s. %s"
            .formatted(
                what,
                round.pending.size(),
                round.commands.size(),
                round.failedOn,
                attempts.made(),
                attempts.elapsed().toMillis(),
                round.failure.getMessage(),
                remedy(round.worst));
    return round.worst == RedisFailure.FULL || round.worst == RedisFailure.REFUSED
        ? new StoreRefusedException(message, round.failure)
        : new StoreException(message, round.failure);
  }

  private static String remedy(RedisFailure failure) {
    return switch (failure) {
      case NO_SCRIPT -> "Scripts vanish as soon as they are loaded; check who runs SCRIPT FLUSH.";
      case MOVED -> "Slots are being moved; check whether the cluster's resharding is stuck.";
      case UNAVAILABLE -> "Check whether the node runs and is reachable from here.";
      case REFUSED -> "Redis answers, but does not serve; its message says why.";
      case FULL -> "Redis is at its maxmemory; give it more, or let flushes catch up.";
      case FATAL ->
          "Retrying does not help; check the user's permissions and the server's version.";
    };
  }

  /** One attempt at the pending commands. */
  private final class Round<T> {

    final List<RedisCommand<T>> commands;
    final T[] answers;
    final Map<HostAndPort, Set<RedisScript>> missingScripts = new HashMap<>();
    final Set<RedisFailure> seen = new HashSet<>();
    final Set<HostAndPort> failedOn = new HashSet<>();
    List<Integer> pending;
    RedisFailure worst;
    RuntimeException failure;

    private List<Integer> again;
    private Map<HostAndPort, RuntimeException> down;

    @SuppressWarnings("unchecked")
    Round(List<RedisCommand<T>> commands) {
      this.commands = commands;
      this.answers = (T[]) new Object[commands.size()];
      this.pending = IntStream.range(0, commands.size()).boxed().toList();
    }

    void run() {
      missingScripts.clear();
      seen.clear();
      failedOn.clear();
      worst = null;
      failure = null;
      again = new ArrayList<>();
      down = new HashMap<>();
      int from = 0;
      while (from < pending.size()) {
        int to = from;
        long bytes = 0;
        while (to < pending.size() && to - from < MAX_COMMANDS && bytes < MAX_BYTES) {
          bytes += commands.get(pending.get(to++)).bytes();
        }
        exchange(pending.subList(from, to));
        from = to;
      }
      pending = again;
    }

    private void exchange(List<Integer> batch) {
      Map<HostAndPort, NodePipeline<T>> pipelines = new HashMap<>();
      for (int index : batch) {
        HostAndPort node = null;
        try {
          node = nodes.nodeOf(commands.get(index).key());
          if (down.containsKey(node)) {
            // It has cost this round one timeout already.
            fail(index, node, down.get(node));
            continue;
          }
          NodePipeline<T> pipeline = pipelines.get(node);
          if (pipeline == null) {
            pipeline = new NodePipeline<>(nodes.connect(node));
            pipelines.put(node, pipeline);
          }
          pipeline.add(index, commands.get(index));
        } catch (RuntimeException e) {
          fail(index, node, e);
          if (node != null) {
            down.put(node, e);
          }
        }
      }
      pipelines.forEach(this::read);
    }

    private void read(HostAndPort node, NodePipeline<T> pipeline) {
      RuntimeException broken = pipeline.finish();
      if (broken != null) {
        down.put(node, broken);
      }
      for (int i = 0; i < pipeline.responses.size(); i++) {
        int index = pipeline.indexes.get(i);
        try {
          answers[index] = pipeline.responses.get(i).get();
        } catch (RuntimeException e) {
          fail(index, node, broken != null && e instanceof IllegalStateException ? broken : e);
        }
      }
    }

    private void fail(int index, HostAndPort node, RuntimeException e) {
      RedisFailure kind = RedisFailure.of(e);
      again.add(index);
      seen.add(kind);
      if (node != null) {
        failedOn.add(node);
      }
      if (kind == RedisFailure.NO_SCRIPT) {
        missingScripts
            .computeIfAbsent(node, any -> new HashSet<>())
            .add(commands.get(index).script());
      }
      if (worst == null || kind.compareTo(worst) > 0) {
        worst = kind;
        failure = e;
      }
    }
  }

  /** The commands that go to one node at once. */
  private static final class NodePipeline<T> {

    final List<Integer> indexes = new ArrayList<>();
    final List<Response<T>> responses = new ArrayList<>();
    private final Connection connection;
    private final Pipeline pipeline;

    NodePipeline(Connection connection) {
      this.connection = connection;
      this.pipeline = new Pipeline(connection, false);
    }

    void add(int index, RedisCommand<T> command) {
      try {
        responses.add(pipeline.executeCommand(command.command()));
        indexes.add(index);
      } catch (RuntimeException e) {
        connection.setBroken();
        throw e;
      }
    }

    /** Waits for all answers; returns the exception that broke the connection, or null. */
    RuntimeException finish() {
      RuntimeException broken = null;
      try {
        pipeline.sync();
      } catch (RuntimeException e) {
        // Answers may still arrive: this connection must not be used again.
        connection.setBroken();
        broken = e;
      }
      try {
        connection.close();
      } catch (RuntimeException e) {
        // The pool replaces a broken connection at once, and the node may be down. The answers that
        // arrived are good, and the next attempt handles the rest.
        LOG.debug("Cannot return a connection", e);
      }
      return broken;
    }
  }
}
