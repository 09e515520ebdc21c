package io.spanfold.testing.faults;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * The point of the protocol at which a test kills the job's process: from then on nothing gets out
 * of it or into it any more, until it is raised from the dead. Thread-safe.
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

  /** All that was asked for since the wire was set, for a reader of a failure. */
  private final Map<String, Integer> seen = new ConcurrentHashMap<>();

  /** Sets the wire at the {@code nth} request of a name, from 1. */
  public synchronized void set(String name, Side where, int nth) {
    request = name;
    side = where;
    left = nth;
    tripped = new CountDownLatch(1);
    seen.clear();
  }

  /** Waits for the death; returns whether it came. */
  public boolean awaitTripped(long seconds) throws InterruptedException {
    CountDownLatch latch;
    synchronized (this) {
      latch = tripped;
    }
    return latch.await(seconds, TimeUnit.SECONDS);
  }

  /** Lets a new process live. */
  public void raise() {
    dead = false;
  }

  /** Returns what was asked for, and how often. */
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
