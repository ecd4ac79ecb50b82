import CTorch

/// Any operator of libtorch, found by its name once and called with values that its schema checks.
///
///     let cumulative = Operator("aten::cummax")
///     let results = try cumulative.all(.tensor(x), .int(0))
public struct Operator: @unchecked Sendable {
  /// The name with its overload: `aten::add.Tensor`.
  public let name: String
  private let handle: OpaquePointer?
  private let reason: String

  /// Arguments of an operator. Those left out at the end, and `.default`, take the schema's defaults.
  public enum Argument {
    case none, `default`
    case tensor(Tensor), optional(Tensor?)
    case int(Int), double(Double), bool(Bool), string(String)
    case ints([Int]), doubles([Double]), bools([Bool]), tensors([Tensor]), optionals([Tensor?])
    case type(DataType), device(Device), random(Generator)
  }

  /// Looks the operator up. A name that this libtorch does not know is an error of the calls, not of this initializer.
  public init(_ name: String) {
    self.name = name
    guard Torch.available else {
      (handle, reason) = (nil, "")
      return
    }
    let parts = name.split(separator: ".", maxSplits: 1)
    handle = ct_find_operator(String(parts.first ?? ""), parts.count > 1 ? String(parts[1]) : "")
    reason = handle == nil ? Torch.lastMessage : ""
  }

  /// The operator's declaration in libtorch, or nil if there is none.
  public var schema: String? { handle.map { String(cString: ct_operator_schema($0)) } }

  /// Calls the operator and gives its first result.
  public func callAsFunction(_ arguments: Argument...) throws -> Tensor {
    var first: Tensor?
    try call(arguments) { results in
      for result in results where result.tag == Int32(CT_TENSOR) {
        guard let handle = result.tensorHandle else { continue }
        let tensor = Tensor(owning: handle)
        if first == nil { first = tensor }
      }
    }
    guard let first else { throw TensorError.failed(name, arguments.map(\.summary), "the operator gave no tensor") }
    return first
  }

  /// Calls the operator and gives all tensors among its results; lists of tensors are laid flat.
  public func all(_ arguments: Argument...) throws -> [Tensor] {
    var tensors: [Tensor] = []
    try call(arguments) { results in
      for result in results where result.tag == Int32(CT_TENSOR) {
        if let handle = result.tensorHandle { tensors.append(Tensor(owning: handle)) }
      }
    }
    return tensors
  }

  private func call(_ arguments: [Argument], _ body: (UnsafeBufferPointer<ct_value>) -> Void) throws {
    try Torch.demand()
    guard let handle else { throw TensorError.failed(name, [], reason) }
    let words = arguments.reduce(0) { $0 + $1.words }
    let count: Int64 = withUnsafeTemporaryAllocation(of: ct_value.self, capacity: max(arguments.count, 1)) { values in
      withUnsafeTemporaryAllocation(of: UInt64.self, capacity: max(words, 1)) { room in
        var free = UnsafeMutableRawPointer(room.baseAddress!)
        for (place, argument) in arguments.enumerated() {
          values.initializeElement(at: place, to: argument.value(&free))
        }
        var results: UnsafePointer<ct_value>?
        let count = withExtendedLifetime(arguments) {
          ct_call(handle, values.baseAddress, Int64(arguments.count), &results)
        }
        if count >= 0 { body(UnsafeBufferPointer(start: results, count: Int(count))) }
        return count
      }
    }
    guard count >= 0 else { throw TensorError.failed(name, arguments.map(\.summary), Torch.lastMessage) }
  }
}

extension ct_value {
  fileprivate var tensorHandle: OpaquePointer? { OpaquePointer(pointer) }
}

extension Operator.Argument {
  /// 8-byte words that the elements of a list take.
  fileprivate var words: Int {
    switch self {
    case .ints(let list): list.count
    case .doubles(let list): list.count
    case .bools(let list): list.count / 8 + 1
    case .tensors(let list): list.count
    case .optionals(let list): list.count
    case .string(let text): text.utf8.count / 8 + 1
    default: 0
    }
  }

  /// The argument as libtorch takes it; elements of lists are laid down at `free`.
  fileprivate func value(_ free: inout UnsafeMutableRawPointer) -> ct_value {
    var value = ct_value()
    func tag(_ code: Int) { value.tag = Int32(code) }
    func list<Element>(_ code: Int, _ elements: [Element]) {
      let start = free.bindMemory(to: Element.self, capacity: elements.count)
      start.initialize(from: elements, count: elements.count)
      tag(code)
      value.count = Int64(elements.count)
      value.pointer = UnsafeRawPointer(free)
      free += (elements.count * MemoryLayout<Element>.stride + 7) / 8 * 8
    }
    switch self {
    case .none: tag(CT_NONE)
    case .default: tag(CT_DEFAULT)
    case .tensor(let tensor):
      tag(CT_TENSOR)
      value.pointer = UnsafeRawPointer(tensor.handle)
    case .optional(let tensor):
      tag(tensor == nil ? CT_NONE : CT_TENSOR)
      if let tensor { value.pointer = UnsafeRawPointer(tensor.handle) }
    case .int(let number):
      tag(CT_INT)
      value.integer = Int64(number)
    case .double(let number):
      tag(CT_DOUBLE)
      value.number = number
    case .bool(let flag):
      tag(CT_BOOLEAN)
      value.integer = flag ? 1 : 0
    case .string(let text): list(CT_STRING, Array(text.utf8))
    case .ints(let numbers): list(CT_INTS, numbers)
    case .doubles(let numbers): list(CT_DOUBLES, numbers)
    case .bools(let flags): list(CT_BOOLEANS, flags)
    case .tensors(let tensors): list(CT_TENSORS, tensors.map { Optional($0.handle) })
    case .optionals(let tensors): list(CT_OPTIONAL_TENSORS, tensors.map { $0?.handle })
    case .type(let type):
      tag(CT_DTYPE)
      value.integer = Int64(type.rawValue)
    case .device(let device):
      tag(CT_DEVICE)
      value.integer = Int64(device.code)
    case .random(let generator):
      tag(CT_GENERATOR)
      value.pointer = UnsafeRawPointer(generator.handle)
    }
    return value
  }

  fileprivate var summary: String {
    switch self {
    case .tensor(let tensor): tensor.summary
    case .optional(let tensor): tensor?.summary ?? "none"
    case .tensors(let list): "[" + list.map(\.summary).joined(separator: ", ") + "]"
    case .optionals(let list): "[" + list.map { $0?.summary ?? "none" }.joined(separator: ", ") + "]"
    case .int(let number): "\(number)"
    case .double(let number): "\(number)"
    case .bool(let flag): "\(flag)"
    case .string(let text): "\"\(text)\""
    case .ints(let list): "\(list)"
    case .doubles(let list): "\(list)"
    case .bools(let list): "\(list)"
    case .type(let type): "\(type)"
    case .device(let device): "\(device)"
    case .random: "generator"
    case .none: "none"
    case .default: "default"
    }
  }
}
