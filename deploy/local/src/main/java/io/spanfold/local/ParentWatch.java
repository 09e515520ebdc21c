package io.spanfold.local;

import java.io.IOException;
import java.util.Arrays;

/**
 * Runs another main class in a JVM that ends as soon as the process that started it has, however
 * that ended: its standard input then reaches its end.
 */
public final class ParentWatch {

  private ParentWatch() {}

  /** Runs the class that the first argument names with the arguments behind it. */
  public static void main(String[] arguments) throws Exception {
    Thread watch = new Thread(ParentWatch::haltAtEndOfInput, "parent-watch");
    watch.setDaemon(true);
    watch.start();
    Class.forName(arguments[0])
        .getMethod("main", String[].class)
        .invoke(null, (Object) Arrays.copyOfRange(arguments, 1, arguments.length));
  }

  private static void haltAtEndOfInput() {
    try {
      while (System.in.read() >= 0) {
        // Nothing is ever sent.
      }
    } catch (IOException e) {
      // As the end.
    }
    Runtime.getRuntime().halt(1);
  }
}
