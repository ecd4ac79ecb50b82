/// How many multiply-adds the blocks of diffusion transformers cost: what their papers call FLOPs.
public enum DiffusionCost {
  /// One block with adaLN-Zero and a feed-forward part of four times the width, for one picture: 12 N d² + 2 N² d + 6 d²; with
  /// cross-attention over M tokens of a text, 2 M d² + 2 N d² + 2 N M d more.
  public static func block(tokens n: Int, width d: Int, text m: Int = 0) -> Int {
    let own = 12 * n * d * d + 2 * n * n * d + 6 * d * d
    return m == 0 ? own : own + 2 * m * d * d + 2 * n * d * d + 2 * n * m * d
  }

  /// Parameters of such a block: 18 d² + 15 d.
  public static func parameters(width d: Int) -> Int { 18 * d * d + 15 * d }
}
