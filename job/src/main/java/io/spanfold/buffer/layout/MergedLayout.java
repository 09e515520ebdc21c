package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static io.spanfold.buffer.redis.RedisKeys.ascii;

import io.spanfold.buffer.index.BucketTags;
import io.spanfold.buffer.index.LargeRecord;
import io.spanfold.buffer.layout.MergedHash.Member;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.model.TraceKey;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A hash for each segment, on its bucket's slot: one node has all of a hot trace. A field is the
 * subsegment's id in 8 bytes, its value the payload. The scripts add, move and remove payloads
 * atomically with the index, where such a trace has the form of a large one.
 */
public final class MergedLayout implements PayloadLayout {

  public static final int BIT = 1;

  private final RedisPipelines pipelines;
  private final BucketTags tags;

  MergedLayout(RedisPipelines pipelines, BucketTags tags) {
    this.pipelines = pipelines;
    this.tags = tags;
  }

  @Override
  public int bit() {
    return BIT;
  }

  @Override
  public void load(List<Wanted> wanted, Receiver receiver) {
    List<byte[]> found = new Search(pipelines, tags, wanted).run();
    for (int i = 0; i < found.size(); i++) {
      if (found.get(i) != null) {
        receiver.found(List.of(wanted.get(i)), found.get(i));
      }
    }
  }

  /**
   * One search for merged payloads. The index knows the segment that each subsegment was filed
   * under when it was written; redirects lead from there to the segment whose hash has it now. All
   * hashes are read concurrently, so a search takes as many rounds as the longest path and the
   * largest hash.
   *
   * <p>A hash may be merged into another while it is read; then a page's cursor is meaningless, as
   * it is after a failover to another node. So the search repeats for missing payloads, until a
   * whole pass finds no further one and the redirects still lead to the same hash.
   */
  private static final class Search {

    /** Subsegments looked up in one command. */
    private static final int MAX_FIELDS = 1_000;

    /** Estimate of a field of the index with its value. */
    private static final int FIELD_BYTES = 37;

    /** A trace that is merged faster than it is read is read from Kafka instead. */
    private static final int MAX_PASSES = 10;

    private final RedisPipelines pipelines;
    private final BucketTags tags;
    private final List<Wanted> wanted;
    private final byte[][] found;

    /** A segment of a trace, by one of its names. */
    private record Place(TraceKey trace, long segment) {}

    Search(RedisPipelines pipelines, BucketTags tags, List<Wanted> wanted) {
      this.pipelines = pipelines;
      this.tags = tags;
      this.wanted = wanted;
      this.found = new byte[wanted.size()][];
    }

    /** Returns the payloads in the order of the wanted ones; null for one that is not found. */
    List<byte[]> run() {
      Map<Place, List<Integer>> missing = filedUnder();
      Map<Place, Place> roots = rootsOf(missing.keySet());
      for (int pass = 0; pass < MAX_PASSES && !missing.isEmpty(); pass++) {
        Set<Place> progress = read(missing, roots);
        missing.values().forEach(indexes -> indexes.removeIf(i -> found[i] != null));
        missing.values().removeIf(List::isEmpty);
        Map<Place, Place> now = rootsOf(missing.keySet());
        Map<Place, Place> before = roots;
        missing
            .keySet()
            .removeIf(
                place ->
                    now.get(place).equals(before.get(place))
                        && !progress.contains(before.get(place)));
        roots = now;
      }
      return Arrays.asList(found);
    }

    /**
     * Returns the wanted payloads by the segment under which they were filed. A subsegment that the
     * index does not know has no merged payload either: the same scripts write and remove both.
     */
    private Map<Place, List<Integer>> filedUnder() {
      List<List<Integer>> pages = new ArrayList<>();
      for (int i = 0; i < wanted.size(); i++) {
        List<Integer> page = pages.isEmpty() ? null : pages.get(pages.size() - 1);
        if (page == null
            || page.size() == MAX_FIELDS
            || !wanted.get(i).trace().equals(wanted.get(page.get(0)).trace())) {
          page = new ArrayList<>();
          pages.add(page);
        }
        page.add(i);
      }
      List<List<byte[]>> answers =
          pipelines.send(
              "look up %d subsegments in Redis".formatted(wanted.size()),
              pages.stream().map(this::lookUp).toList());
      Map<Place, List<Integer>> filed = new LinkedHashMap<>();
      for (int i = 0; i < pages.size(); i++) {
        for (int j = 0; j < pages.get(i).size(); j++) {
          byte[] segment = answers.get(i).get(j);
          if (segment != null) {
            int index = pages.get(i).get(j);
            Place place = new Place(wanted.get(index).trace(), id(segment));
            filed.computeIfAbsent(place, any -> new ArrayList<>()).add(index);
          }
        }
      }
      return filed;
    }

    private RedisCommand<List<byte[]>> lookUp(List<Integer> page) {
      byte[] key = key(wanted.get(page.get(0)).trace());
      byte[][] fields =
          page.stream()
              .map(i -> LargeRecord.subsegmentField(wanted.get(i).subsegment().id()))
              .toArray(byte[][]::new);
      return RedisCommand.of(key, REDIS.hmget(key, fields), (long) fields.length * FIELD_BYTES);
    }

    /**
     * Follows redirects to their ends, one step of all in a round. Paths that meet are followed
     * once, so a long path of which many names are asked for takes a round or two.
     */
    private Map<Place, Place> rootsOf(Collection<Place> places) {
      Map<Place, Place> next = new HashMap<>();
      List<Place> open = new ArrayList<>(places);
      while (!open.isEmpty()) {
        List<RedisCommand<byte[]>> steps = open.stream().map(this::nextOf).toList();
        List<byte[]> answers =
            pipelines.send("follow %d redirects in Redis".formatted(steps.size()), steps);
        for (int i = 0; i < answers.size(); i++) {
          Place at = open.get(i);
          byte[] to = answers.get(i);
          next.put(at, to == null ? at : new Place(at.trace(), id(to)));
        }
        Set<Place> further = new LinkedHashSet<>();
        open.forEach(at -> further.add(next.get(at)));
        further.removeAll(next.keySet());
        open = List.copyOf(further);
      }
      Map<Place, Place> roots = new HashMap<>();
      places.forEach(place -> resolve(place, next, roots));
      return roots;
    }

    private RedisCommand<byte[]> nextOf(Place place) {
      byte[] key = key(place.trace());
      byte[] field = LargeRecord.redirectField(place.segment());
      return RedisCommand.of(key, REDIS.hget(key, field), key.length);
    }

    private byte[] key(TraceKey trace) {
      return ascii(RedisKeys.largeTrace(tags.of(trace), trace));
    }

    /** Reads the id that a value begins with. */
    private static long id(byte[] value) {
      return ByteBuffer.wrap(value).getLong();
    }

    /** Adds the root of {@code place}, and of all places on its path, to {@code roots}. */
    private static void resolve(Place place, Map<Place, Place> next, Map<Place, Place> roots) {
      Set<Place> passed = new LinkedHashSet<>();
      Place at = place;
      while (!roots.containsKey(at)) {
        Place to = next.get(at);
        // A cycle ends at the first place that was passed before, as in the scripts.
        if (to.equals(at) || passed.contains(to)) {
          roots.put(at, at);
        } else {
          passed.add(at);
          at = to;
        }
      }
      Place root = roots.get(at);
      passed.forEach(each -> roots.put(each, root));
    }

    /** Reads the hashes of {@code roots}; returns those with wanted payloads. */
    private Set<Place> read(Map<Place, List<Integer>> missing, Map<Place, Place> roots) {
      Map<Place, OpenHash> hashes = new LinkedHashMap<>();
      missing.forEach(
          (place, indexes) ->
              indexes.forEach(hashes.computeIfAbsent(roots.get(place), OpenHash::new)::want));
      Set<Place> progress = new HashSet<>();
      List<OpenHash> open = new ArrayList<>(hashes.values());
      while (!open.isEmpty()) {
        List<List<Member>> pages =
            MergedHash.nextPages(pipelines, open.stream().map(each -> each.hash).toList());
        for (int i = 0; i < pages.size(); i++) {
          if (open.get(i).take(pages.get(i))) {
            progress.add(open.get(i).root);
          }
        }
        open = open.stream().filter(OpenHash::hasMore).toList();
      }
      return progress;
    }

    /** A hash that is being read. */
    private final class OpenHash {

      private final Place root;
      private final MergedHash hash;
      private final Map<Long, List<Integer>> indexesOfId = new HashMap<>();

      OpenHash(Place root) {
        this.root = root;
        TraceKey trace = root.trace();
        this.hash = new MergedHash(RedisKeys.merged(tags.of(trace), trace, root.segment()));
      }

      void want(int index) {
        hash.expect(wanted.get(index).subsegment().storedBytes());
        long id = wanted.get(index).subsegment().id();
        indexesOfId.computeIfAbsent(id, any -> new ArrayList<>(1)).add(index);
      }

      /** Returns whether anything was found. */
      boolean take(List<Member> page) {
        boolean progress = false;
        for (Member member : page) {
          List<Integer> indexes = indexesOfId.remove(member.subsegment());
          if (indexes != null) {
            progress = true;
            indexes.forEach(index -> found[index] = member.payload());
          }
        }
        return progress;
      }

      boolean hasMore() {
        return !hash.isComplete() && !indexesOfId.isEmpty();
      }
    }
  }
}
