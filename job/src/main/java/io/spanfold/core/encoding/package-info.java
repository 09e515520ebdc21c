/** Numbers and hexadecimal text as bytes. */
package io.spanfold.core.encoding;
