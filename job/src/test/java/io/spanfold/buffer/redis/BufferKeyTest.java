package io.spanfold.buffer.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.redis.BufferKey.Kind;
import io.spanfold.core.model.Generation;
import io.spanfold.core.model.TraceKey;
import java.util.OptionalInt;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BufferKeyTest {

  private static final TraceKey TRACE = new TraceKey(12, 0xA, -0xB);
  private static final String TAG = "3.1f";
  private static final OptionalInt LIVE = OptionalInt.empty();
  private static final OptionalInt ROUND = OptionalInt.of(3);
  private static final Generation GENERATION = new Generation(1_700_000_000_333L, 0);
  private static final OptionalLong NO_ID = OptionalLong.empty();
  private static final OptionalLong ID = OptionalLong.of(0xA1);

  @Test
  void parsesAllKeysOfABucket() {
    assertThat(BufferKey.parse(RedisKeys.traces(TAG)))
        .contains(new BufferKey(Kind.TRACES, TAG, LIVE, null, null, NO_ID));
    assertThat(BufferKey.parse(RedisKeys.smallPayloads(TAG, 1_700_000_000_333L, 0)))
        .contains(new BufferKey(Kind.SMALL, TAG, LIVE, GENERATION, null, NO_ID));
    assertThat(BufferKey.parse(RedisKeys.flushLock(TAG)))
        .contains(new BufferKey(Kind.LOCK, TAG, LIVE, null, null, NO_ID));
    assertThat(BufferKey.parse(RedisKeys.quarantinedTraces(TAG, 3)))
        .contains(new BufferKey(Kind.TRACES, TAG, ROUND, null, null, NO_ID));
  }

  @Test
  void parsesAllKeysOfATrace() {
    assertThat(BufferKey.parse(RedisKeys.payload(TRACE, 0xA1)))
        .contains(new BufferKey(Kind.PAYLOAD, null, LIVE, null, TRACE, ID));
    assertThat(BufferKey.parse(RedisKeys.largeTrace(TAG, TRACE)))
        .contains(new BufferKey(Kind.LARGE, TAG, LIVE, null, TRACE, NO_ID));
    assertThat(BufferKey.parse(RedisKeys.merged(TAG, TRACE, 0xA1)))
        .contains(new BufferKey(Kind.MERGED, TAG, LIVE, null, TRACE, ID));
    assertThat(BufferKey.parse(RedisKeys.quarantinedLargeTrace(TAG, 3, TRACE)))
        .contains(new BufferKey(Kind.LARGE, TAG, ROUND, null, TRACE, NO_ID));
    assertThat(BufferKey.parse(RedisKeys.quarantinedMerged(TAG, 3, TRACE, 0xA1)))
        .contains(new BufferKey(Kind.MERGED, TAG, ROUND, null, TRACE, ID));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "span-buf:lease",
        "span-buf:buckets",
        "span-buf:dict:0a0b0c0d:{a}",
        "span-buf:t:{3.1f}:3",
        "span-buf:t:{3.1f}:",
        "span-buf:t:{3.1f}!",
        "span-buf:ad:t:{3.1f}",
        "span-buf:ad:t:{3.1f}:3!",
        "span-buf:ad:p:{3.1f}:1.2",
        "span-buf:p:{3.1f}:1",
        "span-buf:x:{3.1f}:3:12:000000000000000a000000000000000b",
        "span-buf:x:{3.1f}:12:000000000000000a",
        "span-buf:x:{3.1f}:9999999999999999999:000000000000000a000000000000000b",
        "span-buf:ad:x:{3.1f}:12:000000000000000a000000000000000b",
        "span-buf:m:{3.1f}:12:000000000000000a000000000000000b",
        "span-buf:s:{12:000000000000000a000000000000000b}",
        "span-buf:s:{12:000000000000000a000000000000000b:00000000000000a1}:1",
        "foreign"
      })
  void otherKeysAreNone(String key) {
    assertThat(BufferKey.parse(key)).isEmpty();
  }

  @Test
  void keysAreCountedByTheirFirstWord() {
    assertThat(BufferKey.word(RedisKeys.LEASE)).isEqualTo("lease");
    assertThat(BufferKey.word(RedisKeys.traces(TAG))).isEqualTo("t");
    assertThat(BufferKey.word(RedisKeys.quarantinedTraces(TAG, 3))).isEqualTo("ad");
  }
}
