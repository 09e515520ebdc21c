package io.spanfold.buffer.layout;

import static io.spanfold.buffer.redis.RedisCommand.REDIS;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.spanfold.buffer.layout.PayloadLayout.Wanted;
import io.spanfold.buffer.redis.RedisCommand;
import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.buffer.redis.RedisPipelines;
import io.spanfold.core.encoding.Hex;
import io.spanfold.core.model.TraceKey;
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
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.resps.ScanResult;

/**
 * One search for merged payloads: follows the redirects from where each was once filed to the set
 * that has it now, and reads each set in pages. All sets are read side by side, so a search takes
 * as many rounds as the longest way and the largest set.
 *
 * <p>A set may be merged on while it is read, and a page's cursor means nothing then, nor to a node
 * that took over. So what is not found is looked for again, until a whole pass finds nothing more
 * and the redirects still lead to the same set.
 */
final class MergedSearch {

  /** What a page is to bring, and the most members that one may have: bounds what a node does. */
  private static final long PAGE_BYTES = 1L << 20;

  private static final int MAX_PAGE = 1_000;

  /** What a page has at least where nothing is known of the members yet. */
  private static final int FIRST_PAGE = 10;

  /** A trace that is merged faster than it is read is read again from Kafka. */
  private static final int MAX_PASSES = 10;

  private final RedisPipelines pipelines;
  private final List<Wanted> wanted;
  private final byte[][] found;

  /** A segment of a trace, by one of its names. */
  private record Place(TraceKey trace, long segment) {}

  MergedSearch(RedisPipelines pipelines, List<Wanted> wanted) {
    this.pipelines = pipelines;
    this.wanted = wanted;
    this.found = new byte[wanted.size()][];
  }

  /** Returns what was found, in the order of what is wanted; null where nothing was. */
  List<byte[]> run() {
    Map<Place, List<Integer>> missing = new LinkedHashMap<>();
    for (int i = 0; i < wanted.size(); i++) {
      Wanted each = wanted.get(i);
      missing
          .computeIfAbsent(
              new Place(each.trace(), each.subsegment().parentId()), place -> new ArrayList<>())
          .add(i);
    }
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
   * Follows redirects to their ends, one step of all in a round. Ways that come together are gone
   * once: so a long one, of which the names all along it are asked for, takes a round or two.
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
        next.put(
            at, to == null ? at : new Place(at.trace(), Hex.parseId(new String(to, US_ASCII))));
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
    byte[] key = RedisKeys.index(place.trace()).getBytes(US_ASCII);
    byte[] id = Hex.id(place.segment()).getBytes(US_ASCII);
    return RedisCommand.of(key, REDIS.hget(key, id), key.length);
  }

  /** Adds to {@code roots} where {@code place}, and all on its way, lead to. */
  private static void resolve(Place place, Map<Place, Place> next, Map<Place, Place> roots) {
    Set<Place> passed = new LinkedHashSet<>();
    Place at = place;
    while (!roots.containsKey(at)) {
      Place to = next.get(at);
      // Circles end where the scripts end them: at the first that was passed before.
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

  /** Reads the sets of {@code roots}; returns those in which something was found. */
  private Set<Place> read(Map<Place, List<Integer>> missing, Map<Place, Place> roots) {
    Map<Place, OpenSet> sets = new LinkedHashMap<>();
    missing.forEach(
        (place, indexes) -> {
          OpenSet set = sets.computeIfAbsent(roots.get(place), OpenSet::new);
          indexes.forEach(set::want);
        });
    List<OpenSet> open = new ArrayList<>(sets.values());
    while (!open.isEmpty()) {
      List<ScanResult<byte[]>> pages =
          pipelines.send(
              "read %d merged sets from Redis".formatted(open.size()),
              open.stream().map(OpenSet::nextPage).toList());
      List<OpenSet> further = new ArrayList<>();
      for (int i = 0; i < pages.size(); i++) {
        if (open.get(i).take(pages.get(i))) {
          further.add(open.get(i));
        }
      }
      open = further;
    }
    Set<Place> progress = new HashSet<>();
    sets.forEach(
        (root, set) -> {
          if (set.progress) {
            progress.add(root);
          }
        });
    return progress;
  }

  /** A set that is being read. */
  private final class OpenSet {

    private final byte[] key;
    private final Map<String, List<Integer>> indexesOfId = new HashMap<>();
    private byte[] cursor = ScanParams.SCAN_POINTER_START_BINARY;
    private long bytes;
    private int members;
    private boolean progress;

    OpenSet(Place root) {
      this.key = RedisKeys.segment(root.trace(), root.segment()).getBytes(US_ASCII);
    }

    void want(int index) {
      bytes += wanted.get(index).subsegment().storedBytes();
      members++;
      indexesOfId
          .computeIfAbsent(Hex.id(wanted.get(index).subsegment().id()), id -> new ArrayList<>(1))
          .add(index);
    }

    /**
     * As many members as what is wanted, and then what was read, suggests; but not many on the word
     * of few, as the others may be far larger.
     */
    RedisCommand<ScanResult<byte[]>> nextPage() {
      long average = Math.max(1, bytes / members);
      int known = Math.max(FIRST_PAGE, members);
      int count = (int) Math.max(1, Math.min(Math.min(MAX_PAGE, known), PAGE_BYTES / average));
      return RedisCommand.of(
          key,
          REDIS.sscan(key, cursor, new ScanParams().count(count)),
          Math.min(count, members) * average);
    }

    /** Returns whether there is more to read, and to find. */
    boolean take(ScanResult<byte[]> page) {
      for (byte[] member : page.getResult()) {
        bytes += member.length;
        members++;
        if (member.length < MergedLayout.ID_DIGITS) {
          continue; // None of ours.
        }
        String id = new String(member, 0, MergedLayout.ID_DIGITS, US_ASCII);
        List<Integer> indexes = indexesOfId.remove(id);
        if (indexes != null) {
          progress = true;
          byte[] payload = Arrays.copyOfRange(member, MergedLayout.ID_DIGITS, member.length);
          indexes.forEach(index -> found[index] = payload);
        }
      }
      cursor = page.getCursorAsBytes();
      return !page.isCompleteIteration() && !indexesOfId.isEmpty();
    }
  }
}
