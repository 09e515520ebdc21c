package io.spanfold.job.sink;

import java.io.IOException;
import java.util.List;

/**
 * What is done about items once their commit is known. Used by one thread, the committer's.
 *
 * @param <T> an item
 */
interface PostCommitAction<T> extends AutoCloseable {

  /** Takes committed items; nothing is tried yet. */
  void add(List<T> committed);

  /** Tries what is to be done; returns whether nothing is left of it. */
  boolean run() throws InterruptedException;

  @Override
  void close() throws IOException;

  /** Returns one for which there is nothing to do. */
  static <T> PostCommitAction<T> nothing() {
    return new PostCommitAction<>() {
      @Override
      public void add(List<T> committed) {}

      @Override
      public boolean run() {
        return true;
      }

      @Override
      public void close() {}
    };
  }
}
