package io.spanfold.buffer.index;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.spanfold.core.model.TraceKey;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import org.apache.flink.runtime.state.KeyGroupRange;
import org.apache.flink.runtime.state.KeyGroupRangeAssignment;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import redis.clients.jedis.util.JedisClusterCRC16;

class BucketsTest {

  private static final int TRACES = 20_000;
  private static final int SLOTS = 16_384;

  private final Random random = new Random(5);

  @ParameterizedTest
  @CsvSource({"64, 5040", "1, 5040", "5040, 5040", "7, 128", "128, 128", "1, 1", "100, 32768"})
  void aBucketIsAShareOfFlinksKeyGroups(int count, int maxParallelism) {
    Buckets buckets = new Buckets(count, maxParallelism);
    for (int i = 0; i < TRACES; i++) {
      TraceKey trace = trace();
      long group = KeyGroupRangeAssignment.assignToKeyGroup(trace, maxParallelism);
      assertThat(buckets.of(trace)).isEqualTo((int) (group * count / maxParallelism));
    }
  }

  /** A lock, a load and a clean-up of a subtask cost a call for each of these. */
  @ParameterizedTest
  @CsvSource({"1", "2", "3", "8", "50", "64"})
  void aSubtaskMeetsItsShareOfTheBuckets(int parallelism) {
    Buckets buckets = Buckets.DEFAULT;
    for (int subtask = 0; subtask < parallelism; subtask++) {
      KeyGroupRange groups =
          KeyGroupRangeAssignment.computeKeyGroupRangeForOperatorIndex(
              buckets.maxParallelism(), parallelism, subtask);
      Set<Integer> met = new HashSet<>();
      for (int i = 0; i < TRACES; i++) {
        TraceKey trace = trace();
        if (groups.contains(
            KeyGroupRangeAssignment.assignToKeyGroup(trace, buckets.maxParallelism()))) {
          met.add(buckets.of(trace));
        }
      }
      assertThat(met).hasSizeLessThanOrEqualTo(buckets.count() / parallelism + 2);
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "3", "64", "100", "1024"})
  void theTagsDivideTheSlotsEvenly(int count) {
    Buckets buckets = new Buckets(count, 5040);
    for (int bucket = 0; bucket < count; bucket++) {
      int slot = JedisClusterCRC16.getSlot(buckets.tag(bucket));
      assertThat(slot).isBetween(bucket * SLOTS / count, (bucket + 1) * SLOTS / count - 1);
      assertThat(buckets.tag(bucket)).startsWith(bucket + ".");
    }
  }

  /** Keys in Redis have these tags. */
  @Test
  void theTagsStay() {
    assertThat(Buckets.DEFAULT.tag(0)).isEqualTo(new BucketTags(Buckets.DEFAULT).of(0));
    assertThat(Buckets.DEFAULT.tag(0)).isEqualTo("0.bc");
    assertThat(Buckets.DEFAULT.tag(63)).isEqualTo("63.28");
  }

  @ParameterizedTest
  @CsvSource({"0, 10", "-1, 10", "11, 10"})
  void thereAreAtMostAsManyBucketsAsKeyGroups(int count, int maxParallelism) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Buckets(count, maxParallelism))
        .withMessageContaining("there must be 1 to " + maxParallelism);
  }

  private TraceKey trace() {
    return new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
  }
}
