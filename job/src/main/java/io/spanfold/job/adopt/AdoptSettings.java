package io.spanfold.job.adopt;

import io.spanfold.buffer.StoreSettings;
import io.spanfold.buffer.lease.LeaseSettings;
import java.io.Serializable;

/**
 * What an adoption works with.
 *
 * @param store the buffer
 * @param lease the lease under which it is taken over
 * @param maxPending how many bytes of records are emitted before the next checkpoint at the most,
 *     but for those of the last page of traces: as long are they twice in Redis
 */
public record AdoptSettings(StoreSettings store, LeaseSettings lease, long maxPending)
    implements Serializable {

  private static final long serialVersionUID = 1L;
}
