package io.spanfold.buffer.inspect;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.inspect.BufferKey.Kind;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.TraceKey;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class BufferKeyTest {

  private static final TraceKey TRACE = new TraceKey(12, 0xA, 0xB);
  private static final String NAME = TRACE.toString();
  private static final String ID = "00000000000000a1";

  @Test
  void parsesAllKeysOfATrace() {
    assertThat(BufferKey.parse(RedisKeys.payload(TRACE, 0xA1)))
        .contains(new BufferKey(Kind.PAYLOAD, NAME, null, ID));
    assertThat(BufferKey.parse(RedisKeys.segment(TRACE, 0xA1)))
        .contains(new BufferKey(Kind.MERGED, NAME, null, ID));
    assertThat(BufferKey.parse(RedisKeys.smallPayloads(TRACE)))
        .contains(new BufferKey(Kind.SMALL, NAME, null, null));
    assertThat(BufferKey.parse(RedisKeys.index(TRACE)))
        .contains(new BufferKey(Kind.INDEX, NAME, null, null));
    assertThat(BufferKey.parse(RedisKeys.flushLock(TRACE, 0xA1)))
        .contains(new BufferKey(Kind.LOCK, NAME, null, ID));
  }

  @Test
  void parsesAllKeysOfAQuarantinedTrace() {
    assertThat(BufferKey.parse(RedisKeys.quarantinedSegment(TRACE, 3, 0xA1)))
        .contains(new BufferKey(Kind.MERGED, NAME, "3", ID));
    assertThat(BufferKey.parse(RedisKeys.quarantinedSmallPayloads(TRACE, 3)))
        .contains(new BufferKey(Kind.SMALL, NAME, "3", null));
    assertThat(BufferKey.parse(RedisKeys.quarantinedIndex(TRACE, 3)))
        .contains(new BufferKey(Kind.INDEX, NAME, "3", null));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "span-buf:lease",
        "span-buf:dict",
        "span-buf:s:{1:0a}",
        "span-buf:ad:ssr:{12:000000000000000a000000000000000b}",
        "span-buf:ssr:{12:000000000000000a000000000000000b}:3",
        "foreign"
      })
  void otherKeysAreNoKeysOfATrace(String key) {
    assertThat(BufferKey.parse(key)).isEmpty();
  }

  @Test
  void keysAreCountedByTheirFirstWord() {
    assertThat(BufferKey.word(RedisKeys.LEASE)).isEqualTo("lease");
    assertThat(BufferKey.word(RedisKeys.index(TRACE))).isEqualTo("ssr");
    assertThat(BufferKey.word(RedisKeys.quarantinedIndex(TRACE, 3))).isEqualTo("ad");
  }
}
