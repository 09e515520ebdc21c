/** The form of a subsegment as bytes, before compression. */
package io.spanfold.core.payload;
