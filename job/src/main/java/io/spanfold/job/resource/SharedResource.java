package io.spanfold.job.resource;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Resources that a process needs once for all tasks of the job that run in it. The first task to
 * ask creates a resource, the last one closes it. A task manager loads the classes of each job
 * separately, so jobs share nothing; tests that run several jobs in one process use other keys.
 *
 * <p>Thread-safe. Creating and closing must be quick, because they block other calls.
 *
 * @param <K> the keys; with {@code equals}
 * @param <T> the resources
 */
public final class SharedResource<K, T extends AutoCloseable> {

  private final Map<K, Entry> entries = new HashMap<>();

  /** A reference to a resource. */
  public interface Share<T> extends AutoCloseable {

    T get();

    /** Closes the resource if this is its last reference. Does nothing the second time. */
    @Override
    void close() throws Exception;
  }

  /**
   * Returns a reference to the resource of {@code key}, which is created if there is none.
   *
   * @param maker creates the resource; if it throws, nothing is kept
   */
  public synchronized Share<T> open(K key, Supplier<T> maker) {
    Entry entry = entries.computeIfAbsent(key, k -> new Entry(k, maker.get()));
    entry.shares++;
    return entry.new EntryShare();
  }

  /** Returns the resource of {@code key} if there is one; the caller does not keep it open. */
  public synchronized Optional<T> find(K key) {
    return Optional.ofNullable(entries.get(key)).map(entry -> entry.resource);
  }

  private final class Entry {
    private final K key;
    private final T resource;
    private int shares;

    Entry(K key, T resource) {
      this.key = key;
      this.resource = resource;
    }

    private final class EntryShare implements Share<T> {
      private boolean closed;

      @Override
      public T get() {
        return resource;
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
            resource.close();
          }
        }
      }
    }
  }
}
