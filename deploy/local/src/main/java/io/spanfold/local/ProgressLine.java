package io.spanfold.local;

import java.io.PrintStream;
import java.time.Duration;

/**
 * A line that tells how far a run is: rewritten in place on a terminal, else printed again now and
 * then. For use by one thread.
 */
final class ProgressLine {

  private final PrintStream out;
  private final boolean inPlace;
  private final long intervalNanos;
  private long lastNanos;
  private boolean shown;
  private int width;

  /** Shows on standard output, at most once in {@code interval}. */
  ProgressLine(Duration interval) {
    this(System.out, Boolean.getBoolean("spanfold.terminal"), interval);
  }

  ProgressLine(PrintStream out, boolean inPlace, Duration interval) {
    this.out = out;
    this.inPlace = inPlace;
    this.intervalNanos = interval.toNanos();
  }

  /** Shows the text unless the last one was shown just now. */
  void show(String text) {
    long now = System.nanoTime();
    if (shown && now - lastNanos < intervalNanos) {
      return;
    }
    lastNanos = now;
    shown = true;
    if (inPlace) {
      out.print("\r" + padded(text));
      out.flush();
    } else {
      out.println(text);
    }
  }

  /** Prints a text that stays, on a line of its own. */
  void print(String text) {
    out.println(inPlace && width > 0 ? "\r" + padded(text) : text);
    width = 0;
    shown = false;
  }

  /** Blanks out the rest of a longer text before. */
  private String padded(String text) {
    String all = text + " ".repeat(Math.max(0, width - text.length()));
    width = text.length();
    return all;
  }
}
