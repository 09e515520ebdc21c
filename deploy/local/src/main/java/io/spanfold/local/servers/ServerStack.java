package io.spanfold.local.servers;

import io.spanfold.local.cli.FailedRunException;
import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Servers in the order of their start. {@link #close()} stops them in reverse order. So does a
 * shutdown of the JVM, as by Ctrl-C, which then also deletes the run's directory. Thread-safe.
 */
public final class ServerStack implements AutoCloseable {

  private static volatile boolean stopping;

  private final Deque<AutoCloseable> started = new ArrayDeque<>();
  private final Thread stopAtExit;

  public ServerStack(RunDirectory directory) {
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

  /**
   * Runs {@code steps}, which start servers. If it fails, the servers started so far are stopped.
   *
   * @throws FailedRunException if a server does not start
   */
  public void start(Runnable steps) {
    try {
      steps.run();
    } catch (IllegalStateException e) {
      close();
      throw new FailedRunException(e.getMessage(), e);
    } catch (RuntimeException e) {
      close();
      throw e;
    }
  }

  /** Adds a started server. */
  public <T extends AutoCloseable> T add(T server) {
    synchronized (started) {
      started.push(server);
    }
    return server;
  }

  /** Returns whether the JVM is shutting down. Failures from then on need no report. */
  public static boolean isStopping() {
    return stopping;
  }

  /** Stops all servers. Later calls do nothing. */
  @Override
  public void close() {
    stop();
    try {
      Runtime.getRuntime().removeShutdownHook(stopAtExit);
    } catch (IllegalStateException e) {
      // The JVM is shutting down and runs the hook itself.
      return;
    }
  }

  private void stop() {
    synchronized (started) {
      while (!started.isEmpty()) {
        try {
          started.pop().close();
        } catch (Exception e) {
          System.err.println("a server did not stop cleanly: " + e);
        }
      }
    }
  }
}
