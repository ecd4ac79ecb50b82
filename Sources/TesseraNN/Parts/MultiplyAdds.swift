/// The multiply-adds of transformers by the formulas that papers on fewer tokens use, to compare with their figures.
///
/// One multiplication with one addition counts once; the papers call 10⁹ of them a GFLOP. What a model of this package really executes,
/// selectors included, is counted by `MultiplyAddMeter`.
public enum MultiplyAdds {
  /// A vision transformer: `tokens · channels · patch² · width` for the patches, for every block `4·N·C² + 2·N²·C` for attention over N
  /// tokens and `8·N'·C²` for the feed-forward part (of four times the width) over the N' that are left, and `C · classes` for the head.
  ///
  /// As in the papers' code the patches are counted as if every token, also those in front, were made of one.
  /// DeiT-Ti, S, B at 224 pixels: 1,253,830,656, 4,599,177,216, 17,564,418,048.
  ///
  /// - Parameters:
  ///   - width: C
  ///   - tokens: how many tokens enter the first block, those in front included
  ///   - patch: values of a patch in one channel
  ///   - kept: how many tokens leave the attention of every block
  public static func visionTransformer(
    width: Int, tokens: Int, patch: Int, channels: Int = 3, classes: Int, kept: [Int]
  ) -> Int {
    var total = tokens * channels * patch * width + width * classes
    var before = tokens
    for after in kept {
      total += 4 * before * width * width + 2 * before * before * width + 8 * after * width * width
      before = after
    }
    return total
  }

  /// How many tokens leave the attention of every block when `merged` are merged in each, as *Token Merging* does: at most half of the
  /// tokens that are not special.
  public static func tokensLeft(_ tokens: Int, layers: Int, merging merged: (Int) -> Int, special: Int = 1) -> [Int] {
    var left = tokens
    return (0..<layers).map { layer in
      left -= max(0, min(merged(layer), (left - special) / 2))
      return left
    }
  }

  /// A decoder that reads a prompt: `T·(4·n·d² + 2·n²·d + 2·n·d·m)`, as papers on vision-language models count it.
  ///
  /// - Parameters:
  ///   - layers: T
  ///   - tokens: n
  ///   - width: d
  ///   - hidden: m
  public static func prefill(layers: Int, tokens: Int, width: Int, hidden: Int) -> Int {
    layers * (4 * tokens * width * width + 2 * tokens * tokens * width + 2 * tokens * width * hidden)
  }

  /// A decoder that reads a prompt, with what a gate and grouped queries change.
  /// - Parameter keyWidth: the width of all keys together
  public static func exactPrefill(
    layers: Int, tokens: Int, width: Int, hidden: Int, keyWidth: Int, isGated: Bool
  ) -> Int {
    layers
      * (2 * tokens * width * (width + keyWidth) + 2 * tokens * tokens * width
        + (isGated ? 3 : 2) * tokens * width * hidden)
  }

  /// A decoder that writes tokens, one after the other: `T·(4·G·d² + 2·G·d·m + d·G·(2·n + G - 1))`.
  /// - Parameters:
  ///   - written: G
  ///   - prompt: n
  public static func decode(layers: Int, written: Int, prompt: Int, width: Int, hidden: Int) -> Int {
    layers
      * (4 * written * width * width + 2 * written * width * hidden + width * written * (2 * prompt + written - 1))
  }
}
