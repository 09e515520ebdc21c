package io.spanfold.job.flush;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import io.spanfold.job.recovery.PayloadRecoverySettings;
import java.io.Serializable;
import java.time.Duration;

/**
 * The resources and limits of a flush.
 *
 * @param store the buffer with the payloads
 * @param lease the lease under which buckets are locked
 * @param lockTtl the time after which a lock that no flush has taken again expires
 * @param recovery the source topic, to read lost payloads again
 */
public record FlushSettings(
    StoreSettings store, LeaseSettings lease, Duration lockTtl, PayloadRecoverySettings recovery)
    implements Serializable {

  private static final long serialVersionUID = 1L;
}
