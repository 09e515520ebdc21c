package io.spanfold.stage;

/** A bound that several threads share. Safe for concurrent use. */
final class Budget {

  private final long limit;
  private long used;

  Budget(long limit) {
    this.limit = limit;
  }

  /** Takes {@code cost}, waiting until there is room. Where nothing is taken, anything fits. */
  synchronized void acquire(long cost) throws InterruptedException {
    while (used > 0 && used + cost > limit) {
      wait();
    }
    used += cost;
  }

  /** Takes {@code cost} if there is room now. */
  synchronized boolean tryAcquire(long cost) {
    if (used > 0 && used + cost > limit) {
      return false;
    }
    used += cost;
    return true;
  }

  /** Gives back what was taken. */
  synchronized void release(long cost) {
    used -= cost;
    notifyAll();
  }

  synchronized long used() {
    return used;
  }
}
