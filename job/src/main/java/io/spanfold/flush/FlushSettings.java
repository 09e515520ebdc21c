package io.spanfold.flush;

import io.spanfold.lease.LeaseSettings;
import io.spanfold.reread.RereadSettings;
import io.spanfold.store.StoreSettings;
import java.io.Serializable;
import java.time.Duration;

/**
 * What a flush works with.
 *
 * @param store where the payloads are
 * @param lease the lease under which segments are locked
 * @param lockTtl how long a lock lives that nobody releases
 * @param reread where the records are that the payloads were made from
 */
public record FlushSettings(
    StoreSettings store, LeaseSettings lease, Duration lockTtl, RereadSettings reread)
    implements Serializable {

  private static final long serialVersionUID = 1L;
}
