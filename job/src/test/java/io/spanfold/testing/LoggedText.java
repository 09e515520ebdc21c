package io.spanfold.testing;

import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.apache.logging.log4j.Level;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.core.LogEvent;
import org.apache.logging.log4j.core.Logger;
import org.apache.logging.log4j.core.appender.AbstractAppender;
import org.apache.logging.log4j.core.config.Configurator;
import org.apache.logging.log4j.core.config.Property;
import org.apache.logging.log4j.core.layout.PatternLayout;

/**
 * All that is logged in this process from {@code INFO} on, stack traces included.
 *
 * <p>It never fails the thread that logs, and is never stopped: a thread of Flink may log to it
 * while it is removed, and an exception there can leave a cluster that never ends.
 */
public final class LoggedText extends AbstractAppender implements AutoCloseable {

  private final Queue<String> lines = new ConcurrentLinkedQueue<>();
  private final Logger root = (Logger) LogManager.getRootLogger();
  private final Level before = root.getLevel();

  /** Listens from now on. */
  public LoggedText() {
    super(
        "logged-text",
        null,
        PatternLayout.newBuilder().withPattern("%p %c %m%n%throwable").build(),
        true,
        Property.EMPTY_ARRAY);
    start();
    root.addAppender(this);
    Configurator.setRootLevel(Level.INFO);
  }

  @Override
  public void append(LogEvent event) {
    lines.add(getLayout().toSerializable(event.toImmutable()).toString());
  }

  /** Returns what was logged so far. */
  public String text() {
    return String.join("", lines);
  }

  @Override
  public void close() {
    Configurator.setRootLevel(before);
    root.removeAppender(this);
  }
}
