package io.spanfold.buffer.redis;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.commons.codec.digest.DigestUtils;

/**
 * A Lua script.
 *
 * @param name its file name
 * @param text its source
 * @param sha1 its name in Redis, in hexadecimal digits
 */
public record RedisScript(String name, byte[] text, byte[] sha1) {

  private static final String FOLDER = "/io/spanfold/lua/";

  /**
   * Reads a script from the class path.
   *
   * @throws IllegalStateException if it is missing: the jar was built wrongly
   */
  public static RedisScript load(String name) {
    try (InputStream in = RedisScript.class.getResourceAsStream(FOLDER + name)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + FOLDER + name + "; build it again");
      }
      byte[] text = in.readAllBytes();
      return new RedisScript(name, text, DigestUtils.sha1Hex(text).getBytes(UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + FOLDER + name, e);
    }
  }
}
