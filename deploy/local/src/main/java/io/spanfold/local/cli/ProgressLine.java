package io.spanfold.local.cli;

import java.io.PrintStream;
import java.time.Duration;

/**
 * A line that shows the progress of a run: rewritten in place on a terminal, otherwise printed
 * again once per interval. For use by one thread.
 */
public final class ProgressLine {

  private final PrintStream out = System.out;
  private final boolean inPlace = Boolean.getBoolean("spanfold.terminal");
  private final long intervalNanos;
  private long lastNanos;
  private boolean shown;
  private int width;

  /** Writes to standard output, at most once per {@code interval}. */
  public ProgressLine(Duration interval) {
    this.intervalNanos = interval.toNanos();
  }

  /** Shows the text unless less than the interval has passed since the last one. */
  public void show(String text) {
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
  public void print(String text) {
    out.println(inPlace && width > 0 ? "\r" + padded(text) : text);
    width = 0;
    shown = false;
  }

  /** Overwrites the rest of a longer previous text. */
  private String padded(String text) {
    String all = text + " ".repeat(Math.max(0, width - text.length()));
    width = text.length();
    return all;
  }
}
