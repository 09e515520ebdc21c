package io.spanfold.local.inspect;

/** A job has the buffer that was to be deleted. The message says which, and what to do. */
public final class BufferInUseException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  BufferInUseException(BufferLease lease) {
    super(
        "a job is at work on this buffer (%s); stop it for good first, and wait until its lease has run out"
            .formatted(lease));
  }
}
