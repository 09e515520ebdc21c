package io.spanfold.local.bench;

import io.spanfold.local.servers.JvmProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.GarbageCollectorMXBean;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/**
 * The counters and resource usage of Flink's process so far.
 *
 * @param nanos the time of the sample, by the process's monotonic clock
 * @param cpuNanos CPU time of the process
 * @param gcMillis total duration of garbage collections
 * @param counters the jobs' counters, summed by name
 * @param threadNanos CPU time by kind of thread; native threads of the JVM on Linux only
 */
record Sample(
    long nanos,
    long cpuNanos,
    long gcMillis,
    Map<String, Long> counters,
    Map<String, Long> threadNanos) {

  private static final String JIT = "JIT";
  private static final long NANOS_PER_TICK = 10_000_000;

  /** Returns the counters only, which is cheap. */
  static Sample ofCounters() {
    return new Sample(System.nanoTime(), 0, 0, JobCounters.sums(), Map.of());
  }

  /** Returns a full sample. */
  static Sample now() {
    long gc =
        ManagementFactory.getGarbageCollectorMXBeans().stream()
            .mapToLong(GarbageCollectorMXBean::getCollectionTime)
            .sum();
    return new Sample(
        System.nanoTime(),
        JvmProcess.cpuNanos(ProcessHandle.current()),
        gc,
        JobCounters.sums(),
        threads());
  }

  /** Returns a counter; 0 if there is none of that name. */
  long counter(String name) {
    return counters.getOrDefault(name, 0L);
  }

  /** Returns CPU time of the JIT compiler; 0 where it is unknown. */
  long compilingNanos() {
    return threadNanos.getOrDefault(JIT, 0L);
  }

  private static Map<String, Long> threads() {
    Map<String, Long> nanos = new TreeMap<>();
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null) {
        long cpu = Math.max(0, threads.getThreadCpuTime(thread.getThreadId()));
        nanos.merge(kind(thread.getThreadName()), cpu, Long::sum);
      }
    }
    Path tasks = Path.of("/proc/self/task");
    if (Files.isDirectory(tasks)) {
      addNative(tasks, nanos);
    }
    return nanos;
  }

  /** Adds the compiler, GC and RocksDB threads, which Java does not report. */
  private static void addNative(Path tasks, Map<String, Long> nanos) {
    try (DirectoryStream<Path> all = Files.newDirectoryStream(tasks)) {
      for (Path task : all) {
        addNativeThread(task, nanos);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + tasks, e);
    }
  }

  private static void addNativeThread(Path task, Map<String, Long> nanos) {
    try {
      String name = Files.readString(task.resolve("comm")).strip();
      if (name.matches("(C1|C2) Compil.*|GC Thread.*|rocksdb:.*")) {
        String stat = Files.readString(task.resolve("stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        long ticks = Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
        String kind =
            name.startsWith("C") ? JIT : name.startsWith("GC") ? "GC" : "RocksDB background";
        nanos.merge(kind, ticks * NANOS_PER_TICK, Long::sum);
      }
    } catch (IOException e) {
      // The thread has ended.
      return;
    }
  }

  /** Returns a thread's name without numbers. */
  private static String kind(String name) {
    String kind = name.replaceAll("\\(\\d+/\\d+\\)(#\\d+)?", "").replaceAll("[-#:]?\\d+", "");
    return kind.substring(0, Math.min(80, kind.length())).strip();
  }
}
