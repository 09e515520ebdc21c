package io.spanfold.job.async;

/**
 * A bound that several threads share. Who waits is served in the order of coming: a large element
 * would otherwise wait for as long as small ones find room. Safe for concurrent use.
 */
final class Budget {

  private final long limit;
  private long used;
  private long nextTicket;
  private long served;

  Budget(long limit) {
    this.limit = limit;
  }

  /** Takes {@code cost}, waiting until there is room. Where nothing is taken, anything fits. */
  synchronized void acquire(long cost) throws InterruptedException {
    long ticket = nextTicket++;
    // Only a stage that is being closed interrupts, so nobody is left behind such a ticket.
    while (ticket != served || !fits(cost)) {
      wait();
    }
    served++;
    used += cost;
    notifyAll();
  }

  /** Takes {@code cost} if there is room now, and nobody waits for it. */
  synchronized boolean tryAcquire(long cost) {
    if (nextTicket != served || !fits(cost)) {
      return false;
    }
    used += cost;
    return true;
  }

  private boolean fits(long cost) {
    return used <= 0 || used + cost <= limit;
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
