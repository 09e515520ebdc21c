package io.spanfold.local.bench.load;

/**
 * A distribution of positive numbers, given by some of its quantiles. Between two of them the
 * logarithm grows evenly.
 */
final class Quantiles {

  private final double[] shares;
  private final double[] values;

  private Quantiles(double[] shares, double[] values) {
    this.shares = shares;
    this.values = values;
  }

  /** Takes pairs of a share and its quantile, ascending; the shares go from 0 to 1. */
  static Quantiles of(double... sharesAndValues) {
    double[] shares = new double[sharesAndValues.length / 2];
    double[] values = new double[shares.length];
    for (int i = 0; i < shares.length; i++) {
      shares[i] = sharesAndValues[2 * i];
      values[i] = sharesAndValues[2 * i + 1];
    }
    return new Quantiles(shares, values);
  }

  /** Returns the value that is not exceeded by {@code share} of all, from 0 to 1. */
  double at(double share) {
    int above = 1;
    while (above < shares.length - 1 && share > shares[above]) {
      above++;
    }
    double from = values[above - 1];
    double part = (share - shares[above - 1]) / (shares[above] - shares[above - 1]);
    return from * Math.pow(values[above] / from, part);
  }
}
