package io.spanfold.buffer;

import static org.assertj.core.api.Assertions.assertThat;

import io.spanfold.buffer.IndexedTrace.Segment;
import io.spanfold.buffer.IndexedTrace.Sub;
import io.spanfold.buffer.layout.DistributedLayout;
import io.spanfold.buffer.layout.MergedLayout;
import io.spanfold.buffer.layout.SmallLayout;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.core.model.TraceKey;
import io.spanfold.embedded.RedisCluster;
import io.spanfold.testing.RedisUnderTest;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import redis.clients.jedis.Jedis;

/** The scripts against {@link IndexedTrace}. */
class IndexScriptsITCase {

  private static final int TRACES = 150;

  @TempDir static Path directory;
  private static RedisUnderTest single;
  private static RedisCluster cluster;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private IndexUnderTest index;

  enum Servers {
    ONE(DistributedLayout.BIT),
    THREE(DistributedLayout.BIT),
    ONE_WITH_MERGED_PAYLOADS(MergedLayout.BIT),
    THREE_WITH_MERGED_PAYLOADS(MergedLayout.BIT),
    ONE_WITH_SMALL_PAYLOADS(SmallLayout.BIT),
    THREE_WITH_BOTH(MergedLayout.BIT | SmallLayout.BIT);

    final int layouts;

    Servers(int layouts) {
      this.layouts = layouts;
    }

    List<URI> uris() {
      return isOne() ? List.of(single.uri()) : cluster.uris();
    }

    boolean isOne() {
      return name().startsWith("ONE");
    }
  }

  @BeforeAll
  static void start() {
    single = RedisUnderTest.start(directory.resolve("single"));
    cluster = RedisCluster.start(directory.resolve("cluster"));
  }

  @AfterAll
  static void stop() {
    single.close();
    cluster.close();
  }

  @BeforeEach
  void tellSeed() {
    System.out.println("seed " + seed);
  }

  @AfterEach
  void leaveNothing() {
    if (index != null) {
      index.close();
    }
    for (Servers servers : Servers.values()) {
      for (URI uri : servers.uris()) {
        try (Jedis jedis = new Jedis(uri)) {
          jedis.flushAll();
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void filesEverySubsegmentUnderItsRootInAnyOrder(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    for (int i = 0; i < TRACES; i++) {
      TraceKey trace = trace();
      IndexedTrace expected = new IndexedTrace();
      List<List<Sub>> calls = RandomTraces.calls(random);
      for (List<Sub> call : calls) {
        expected.add(call);
        assertThat(index.add(trace, call)).isEqualTo(expected.answer(call));
        if (random.nextInt(4) == 0) {
          assertThat(index.add(trace, call)).isEqualTo(expected.answer(call));
        }
      }
      assertThat(index.segments(trace)).isEqualTo(expected.segments());

      Collections.shuffle(calls, random);
      for (List<Sub> call : calls) {
        assertThat(index.add(trace, call)).isEqualTo(expected.answer(call));
      }
      assertThat(index.segments(trace)).as("after repeats").isEqualTo(expected.segments());
    }
  }

  @ParameterizedTest
  @EnumSource
  void removesExactlyTheFlushedSubsegmentsAndFinallyEverything(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    for (int i = 0; i < TRACES; i++) {
      TraceKey trace = trace();
      IndexedTrace indexed = new IndexedTrace();
      for (List<Sub> call : RandomTraces.calls(random)) {
        indexed.add(call);
        index.add(trace, call);
      }
      Map<String, Segment> expected = new TreeMap<>(indexed.segments());
      Map<Long, List<Sub>> bySegment = new HashMap<>();
      List<Sub> subs = indexed.subs();
      Collections.shuffle(subs, random);
      subs.forEach(
          sub -> bySegment.computeIfAbsent(indexed.rootOf(sub), r -> new ArrayList<>()).add(sub));
      while (!bySegment.isEmpty()) {
        long segment = new ArrayList<>(bySegment.keySet()).get(random.nextInt(bySegment.size()));
        List<Sub> left = bySegment.get(segment);
        List<Sub> part = new ArrayList<>(left.subList(0, 1 + random.nextInt(left.size())));
        left.removeAll(part);
        if (left.isEmpty()) {
          bySegment.remove(segment);
        }
        Segment after = without(expected.remove(IndexedTrace.hex(segment)), part);
        if (!after.members().isEmpty()) {
          expected.put(IndexedTrace.hex(segment), after);
        }
        assertThat(index.finish(trace, segment, part)).isEqualTo(part.size());
        assertThat(index.segments(trace)).isEqualTo(expected);
        assertThat(index.finish(trace, segment, part)).isEqualTo(0);
        assertThat(index.segments(trace)).as("after a repeat").isEqualTo(expected);
      }
      assertThat(index.keys()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void endsWhenParentsFormACycle(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    for (int i = 0; i < 50; i++) {
      TraceKey trace = trace();
      int length = 1 + random.nextInt(6);
      long[] ids = random.longs(length).toArray();
      List<Sub> subs = new ArrayList<>();
      for (int j = 0; j < length; j++) {
        subs.add(new Sub(ids[j], ids[(j + 1) % length], false, 10, new long[] {ids[j]}));
      }
      Collections.shuffle(subs, random);
      subs.forEach(sub -> index.add(trace, List.of(sub)));
      subs.forEach(sub -> index.add(trace, List.of(sub)));

      Map<String, Segment> segments = index.segments(trace);
      assertThat(segments).hasSize(1);
      String name = segments.keySet().iterator().next();
      assertThat(segments.get(name).members()).hasSize(length);
      assertThat(segments.get(name).spans()).isEqualTo(length);
      index.finish(trace, Long.parseUnsignedLong(name, 16), subs);
      assertThat(index.keys()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource
  void endsWhenRedirectsFormACycle(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = new TraceKey(1, 2, 3);
    List<Sub> subs = List.of(new Sub(77, 1, false, 10, new long[] {9}));
    for (URI uri : servers.uris()) {
      try (Jedis jedis = new Jedis(uri)) {
        if (servers.isOne() || ownsKey(jedis, RedisKeys.index(trace))) {
          for (int i = 1; i <= 3; i++) {
            jedis.hset(RedisKeys.index(trace), IndexedTrace.hex(i), IndexedTrace.hex(i % 3 + 1));
          }
        }
      }
    }
    long root = index.add(trace, subs).get(0).root();
    assertThat(index.add(trace, subs).get(0).root()).isEqualTo(root);
    assertThat(index.finish(trace, 1, subs)).isEqualTo(1);
  }

  @ParameterizedTest
  @EnumSource
  void findsSubsegmentsMergedSinceTheFlush(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = trace();
    Sub child = new Sub(1, 100, false, 10, new long[] {200});
    Sub parent = new Sub(2, 50, true, 20, new long[] {50, 100});
    index.add(trace, List.of(child));
    index.add(trace, List.of(parent));
    assertThat(index.finish(trace, 100, List.of(child))).isEqualTo(1);
    assertThat(index.finish(trace, 50, List.of(parent))).isEqualTo(1);
    assertThat(index.keys()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void findsSubsegmentsThatTheIndexFiledUnderAnotherName(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = trace();
    Sub first = new Sub(1, 50, true, 20, new long[] {50, 100});
    index.add(trace, List.of(first));
    index.finish(trace, 50, List.of(first));
    // The job remembers for a while that 100 belongs to 50; the index no longer does.
    Sub late = new Sub(2, 100, false, 10, new long[] {200});
    index.add(trace, List.of(late));
    assertThat(index.finish(trace, 50, List.of(late))).isEqualTo(1);
    assertThat(index.keys()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void recognisesARepeatAfterTheParentsRedirectIsGone(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = trace();
    Sub above = new Sub(1, 50, true, 20, new long[] {50, 100});
    Sub below = new Sub(2, 100, false, 10, new long[] {200});
    index.add(trace, List.of(above));
    index.add(trace, List.of(below));
    index.finish(trace, 50, List.of(above));
    Map<String, Segment> before = index.segments(trace);
    // Other calls may have renamed the parent in between.
    Sub other = new Sub(3, 100, false, 10, new long[] {300});
    if (random.nextBoolean()) {
      index.add(trace, List.of(other));
      index.finish(trace, 100, List.of(other));
    }
    assertThat(index.add(trace, List.of(below)).get(0).root()).isEqualTo(50);
    assertThat(index.segments(trace)).isEqualTo(before);
    assertThat(index.finish(trace, 50, List.of(below))).isEqualTo(1);
    assertThat(index.keys()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void keepsTheNameOfASegmentThatRemains(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = trace();
    Sub root = new Sub(1, 50, true, 20, new long[] {50});
    Sub child = new Sub(2, 50, false, 10, new long[] {60});
    index.add(trace, List.of(root, child));
    index.finish(trace, 50, List.of(root));
    index.add(trace, List.of(new Sub(3, 7, false, 10, new long[] {50})));
    assertThat(index.add(trace, List.of(child)).get(0).root()).isEqualTo(50);
  }

  @ParameterizedTest
  @EnumSource
  void releasesALockForItsOwnerAndNewerEpochsOfIt(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = new TraceKey(1, 2, 3);
    String lock = RedisKeys.flushLock(trace, 50);
    for (URI uri : servers.uris()) {
      try (Jedis jedis = new Jedis(uri)) {
        if (servers.isOne() || ownsKey(jedis, lock)) {
          jedis.set(lock, "me:2");
        }
      }
    }
    index.finish(trace, 50, List.of(), "");
    index.finish(trace, 50, List.of(), "me:1");
    index.finish(trace, 50, List.of(), "you:3");
    assertThat(index.keys()).containsExactly(lock);
    index.finish(trace, 50, List.of(), random.nextBoolean() ? "me:2" : "me:11");
    assertThat(index.keys()).isEmpty();
  }

  @ParameterizedTest
  @EnumSource
  void acceptsTwentyThousandIdsInACall(Servers servers) {
    index = new IndexUnderTest(servers.uris(), servers.layouts);
    TraceKey trace = trace();
    long[] ids = random.longs(20_000).toArray();
    // One subsegment of all; then each of these ids as a parent, in one call; then the reverse.
    List<Sub> wide = List.of(new Sub(1, ids[0], true, 10, ids));
    List<Sub> children = new ArrayList<>();
    for (long id : ids) {
      children.add(new Sub(~id, id, false, 1, new long[] {id ^ 0x5555}));
    }
    IndexedTrace expected = new IndexedTrace();
    for (List<Sub> call : List.of(children, wide)) {
      expected.add(call);
      assertThat(index.add(trace, call)).isEqualTo(expected.answer(call));
    }
    assertThat(index.segments(trace)).isEqualTo(expected.segments()).hasSize(1);
    List<Sub> all = new ArrayList<>(children);
    all.addAll(wide);
    assertThat(index.finish(trace, ids[0], all)).isEqualTo(20_001);
    assertThat(index.keys()).isEmpty();
  }

  private static boolean ownsKey(Jedis jedis, String key) {
    long slot = jedis.clusterKeySlot(key);
    return jedis
        .clusterNodes()
        .lines()
        .filter(line -> line.contains("myself"))
        .anyMatch(
            line -> {
              String[] range = line.substring(line.lastIndexOf(' ') + 1).split("-");
              return LongStream.rangeClosed(Long.parseLong(range[0]), Long.parseLong(range[1]))
                  .anyMatch(owned -> owned == slot);
            });
  }

  private TraceKey trace() {
    return new TraceKey(random.nextInt(1_000), random.nextLong(), random.nextLong());
  }

  private static Segment without(Segment segment, List<Sub> subs) {
    TreeSet<String> members = new TreeSet<>(segment.members());
    long spans = segment.spans();
    long bytes = segment.bytes();
    for (Sub sub : subs) {
      assertThat(members.remove(IndexedTrace.hex(sub.id()))).isTrue();
      spans -= sub.spans().length;
      bytes -= sub.bytes();
    }
    return new Segment(members, spans, bytes, segment.hasRoot());
  }
}
