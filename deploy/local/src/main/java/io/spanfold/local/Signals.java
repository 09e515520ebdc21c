package io.spanfold.local;

import java.io.IOException;

/** Signals that Java has no call for. */
final class Signals {

  private Signals() {}

  /** Stops a process, which then does not answer but does not go away either. */
  static void suspend(long pid) {
    send("-STOP", pid);
  }

  /** Lets a stopped process go on. */
  static void resume(long pid) {
    send("-CONT", pid);
  }

  private static void send(String signal, long pid) {
    try {
      int code = new ProcessBuilder("kill", signal, String.valueOf(pid)).start().waitFor();
      if (code != 0) {
        throw new FailedRunException("kill " + signal + " " + pid + " failed");
      }
    } catch (IOException e) {
      throw new FailedRunException("there is no kill to send " + signal + " with", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new FailedRunException("interrupted while sending " + signal, e);
    }
  }
}
