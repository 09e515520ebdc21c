package io.spanfold.job.resource;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Things that one process needs once, however many tasks of the job run in it: who asks first makes
 * one, who closes last closes it. A task manager loads each job's classes by themselves, so jobs
 * share nothing; tests that run several jobs in one process tell them apart by their keys.
 *
 * <p>For use by any thread. Making and closing hold up whoever else opens or closes one meanwhile,
 * so both should be quick.
 *
 * @param <K> what tells the things apart: a value with {@code equals}
 * @param <T> the things
 */
public final class SharedResource<K, T extends AutoCloseable> {

  private final Map<K, Entry> entries = new HashMap<>();

  /** A share in a thing; to be closed once. */
  public interface Share<T> extends AutoCloseable {

    /** Returns the thing. */
    T get();

    /** Gives the share back; closes the thing where it was the last. */
    @Override
    void close() throws Exception;
  }

  /**
   * Returns a share in the thing of {@code key}, which is made where there is none.
   *
   * @param key which
   * @param maker makes it; what it throws is passed on, and nothing is kept
   */
  public synchronized Share<T> open(K key, Supplier<T> maker) {
    Entry entry = entries.computeIfAbsent(key, k -> new Entry(k, maker.get()));
    entry.shares++;
    return entry.new EntryShare();
  }

  /**
   * Returns the thing of {@code key} where somebody has a share in it, without one for the caller.
   */
  public synchronized Optional<T> find(K key) {
    return Optional.ofNullable(entries.get(key)).map(entry -> entry.thing);
  }

  private final class Entry {
    private final K key;
    private final T thing;
    private int shares;

    Entry(K key, T thing) {
      this.key = key;
      this.thing = thing;
    }

    private final class EntryShare implements Share<T> {
      private boolean closed;

      @Override
      public T get() {
        return thing;
      }

      @Override
      public void close() throws Exception {
        synchronized (SharedResource.this) {
          if (closed) {
            return;
          }
          closed = true;
          if (--shares == 0) {
            entries.remove(key);
            thing.close();
          }
        }
      }
    }
  }
}
