package io.spanfold.local.chaos;

import io.spanfold.embedded.Await;
import io.spanfold.local.cli.FailedRunException;
import java.io.IOException;
import java.time.Duration;

/** Suspends processes, which then keep their connections but do not answer. */
final class ProcessSignals {

  private ProcessSignals() {}

  /** Suspends a process for a time. */
  static void suspend(long pid, Duration time) {
    suspendDuring(pid, () -> Await.millis(time.toMillis()));
  }

  /** Suspends a process until {@code meanwhile} is over. */
  static void suspendDuring(long pid, Runnable meanwhile) {
    send("-STOP", pid);
    try {
      meanwhile.run();
    } finally {
      send("-CONT", pid);
    }
  }

  private static void send(String signal, long pid) {
    try {
      int code = new ProcessBuilder("kill", signal, String.valueOf(pid)).start().waitFor();
      if (code != 0) {
        throw new FailedRunException("kill " + signal + " " + pid + " failed");
      }
    } catch (IOException e) {
      throw new FailedRunException("the program kill is missing; cannot send " + signal, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while sending " + signal, e);
    }
  }
}
