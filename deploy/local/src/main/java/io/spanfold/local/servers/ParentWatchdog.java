package io.spanfold.local.servers;

import java.io.IOException;
import java.util.Arrays;

/**
 * Runs another main class and halts the JVM when the parent process ends, however it ends: that
 * closes this JVM's standard input.
 */
public final class ParentWatchdog {

  private ParentWatchdog() {}

  /** Runs the class that the first argument names, with the remaining arguments. */
  public static void main(String[] arguments) throws Exception {
    Thread watchdog = new Thread(ParentWatchdog::haltAtEndOfInput, "parent-watchdog");
    watchdog.setDaemon(true);
    watchdog.start();
    Class.forName(arguments[0])
        .getMethod("main", String[].class)
        .invoke(null, (Object) Arrays.copyOfRange(arguments, 1, arguments.length));
  }

  private static void haltAtEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // The parent never writes.
      }
    } catch (IOException e) {
      // Treated like the end of the input.
    }
    Runtime.getRuntime().halt(1);
  }
}
