package io.spanfold.job.track;

/**
 * A time at which a segment of a large trace is to be looked at, so that serving a segment costs
 * the same however many its trace has. It may have been merged or served since it was set.
 */
final class SegmentTimer extends TimingWheel.Entry {

  final TrackedTrace trace;
  final long segment;

  SegmentTimer(TrackedTrace trace, long segment) {
    this.trace = trace;
    this.segment = segment;
  }
}
