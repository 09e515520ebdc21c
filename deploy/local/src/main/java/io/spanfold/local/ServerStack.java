package io.spanfold.local;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Servers in the order of their start, stopped in the reverse one: by {@link #close()}, or when the
 * process is asked to end, as by Ctrl-C; the run's directory goes then too. Thread-safe.
 */
final class ServerStack implements AutoCloseable {

  private static volatile boolean stopping;

  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private final Thread stopAtExit;

  ServerStack(RunDirectory directory) {
    stopAtExit =
        new Thread(
            () -> {
              stopping = true;
              stop();
              directory.close();
            },
            "stop-servers");
    Runtime.getRuntime().addShutdownHook(stopAtExit);
  }

  /** Takes over what was started just now. */
  <T extends AutoCloseable> T keep(T server) {
    synchronized (started) {
      started.push(server);
    }
    return server;
  }

  /** Returns whether the process was asked to end, so that whatever fails now is no news. */
  static boolean isStopping() {
    return stopping;
  }

  /** Stops what has been started, the last first. May be called more than once. */
  @Override
  public void close() {
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(stopAtExit);
    } catch (IllegalStateException e) {
      // The process is ending, and the hook does the same.
      return;
    }
  }

  private void stop() {
    synchronized (started) {
      while (!started.isEmpty()) {
        try {
          started.pop().close();
        } catch (Exception e) {
          System.err.println("a server did not stop well: " + e);
        }
      }
    }
  }
}
