package io.spanfold.testing.faults;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The point of the protocol at which a test kills the job's process: from then on no data passes in
 * either direction, until {@link #raise}. Thread-safe.
 */
public final class Tripwire {

  /** On which side of a request the process dies. */
  public enum Side {
    /** The server never sees it. */
    BEFORE,
    /** The server has answered it; the answer never arrives. */
    AFTER
  }

  private String request;
  private Side side;
  private int left;
  private volatile boolean dead;
  private CountDownLatch tripped = new CountDownLatch(1);

  /** The number of requests by name since the wire was set, for the message of a failure. */
  private final Map<String, Integer> seen = new ConcurrentHashMap<>();

  /** Sets the wire at the {@code nth} request of a name, from 1. */
  public synchronized void set(String name, Side where, int nth) {
    request = name;
    side = where;
    left = nth;
    tripped = new CountDownLatch(1);
    seen.clear();
  }

  /** Waits until the wire is tripped; returns whether it was. */
  public boolean awaitTripped(long seconds) throws InterruptedException {
    CountDownLatch latch;
    synchronized (this) {
      latch = tripped;
    }
    return latch.await(seconds, TimeUnit.SECONDS);
  }

  /** Allows traffic again, for a new process. */
  public void raise() {
    dead = false;
  }

  /** Returns the number of requests by name. */
  public Map<String, Integer> seen() {
    return Map.copyOf(seen);
  }

  boolean dead() {
    return dead;
  }

  /** Reports a request that is about to be forwarded; returns what to do with it. */
  synchronized Side pass(String name) {
    if (dead) {
      return Side.BEFORE;
    }
    seen.merge(name, 1, Integer::sum);
    if (!name.equals(request) || --left != 0) {
      return null;
    }
    if (side == Side.BEFORE) {
      die();
    }
    return side;
  }

  /** The process dies now. */
  synchronized void die() {
    dead = true;
    tripped.countDown();
  }
}
