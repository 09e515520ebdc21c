package io.spanfold.testing.faults;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.spanfold.buffer.redis.RedisKeys;
import io.spanfold.testing.faults.WireProxy.Request;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.commons.codec.digest.DigestUtils;

/** Redis's requests: arrays of length-prefixed strings. A script's name is that of its file. */
public final class RedisRequests implements WireProxy.Protocol {

  private static final List<String> SCRIPTS =
      List.of(
          "add-subsegments",
          "add-large",
          "finish-flush",
          "finish-large",
          "lock-flush",
          "take-lease",
          "renew-lease",
          "release-lease");

  private final Map<String, String> scripts = new HashMap<>();

  /** Knows the scripts of the job. */
  public RedisRequests() throws IOException {
    for (String script : SCRIPTS) {
      try (InputStream text =
          RedisRequests.class.getResourceAsStream("/io/spanfold/lua/" + script + ".lua")) {
        scripts.put(DigestUtils.sha1Hex(text), script);
      }
    }
  }

  @Override
  public Request read(DataInputStream in) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    String head = line(in, bytes);
    if (head == null) {
      return null;
    }
    int count = Integer.parseInt(head.substring(1));
    String[] first = new String[2];
    for (int i = 0; i < count; i++) {
      int length = Integer.parseInt(line(in, bytes).substring(1));
      byte[] argument = in.readNBytes(length + 2);
      bytes.write(argument);
      if (i < first.length) {
        first[i] = new String(argument, 0, length, UTF_8);
      }
    }
    String command = first[0].toUpperCase(Locale.ROOT);
    String name = command.equals("EVALSHA") ? scripts.getOrDefault(first[1], "EVALSHA") : command;
    if (command.equals("SET") && first[1].startsWith(RedisKeys.PREFIX + "check:")) {
      name = "write check";
    }
    return new Request("Redis " + name, bytes.toByteArray());
  }

  /** Reads up to the next line end; null at the end. */
  private static String line(InputStream in, ByteArrayOutputStream bytes) throws IOException {
    StringBuilder line = new StringBuilder();
    for (int b = in.read(); b >= 0; b = in.read()) {
      bytes.write(b);
      if (b == '\n') {
        return line.substring(0, line.length() - 1);
      }
      line.append((char) b);
    }
    return null;
  }
}
