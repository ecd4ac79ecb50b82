// Made by Scripts/make_timm_architectures.py from timm 1.0.31; do not edit.

enum TimmArchitectures {
  /// Names with their image sizes, each on a line, followed by the arguments that all of them stand for.
  static let text = """
    aimv2_1b_patch14_224 224
    aimv2_1b_patch14_336 336
    aimv2_1b_patch14_448 448
      {"act_layer":"silu","class_token":false,"depth":24,"embed_dim":2048,"embed_norm_layer":"rmsnorm",
      "embed_norm_layer_eps":1e-05,"fc_norm":false,"global_pool":"avg","mlp_layer":"swiglu","mlp_ratio":2.75,
      "norm_layer":"rmsnorm","norm_layer_eps":1e-05,"num_heads":16,"patch_size":14,"proj_bias":false,
      "qkv_bias":false}
    aimv2_3b_patch14_224 224
    aimv2_3b_patch14_336 336
    aimv2_3b_patch14_448 448
      {"act_layer":"silu","class_token":false,"depth":24,"embed_dim":3072,"embed_norm_layer":"rmsnorm",
      "embed_norm_layer_eps":1e-05,"fc_norm":false,"global_pool":"avg","mlp_layer":"swiglu","mlp_ratio":2.6667,
      "norm_layer":"rmsnorm","norm_layer_eps":1e-05,"num_heads":24,"patch_size":14,"proj_bias":false,
      "qkv_bias":false}
    aimv2_huge_patch14_224 224
    aimv2_huge_patch14_336 336
    aimv2_huge_patch14_448 448
      {"act_layer":"silu","class_token":false,"depth":24,"embed_dim":1536,"embed_norm_layer":"rmsnorm",
      "embed_norm_layer_eps":1e-05,"fc_norm":false,"global_pool":"avg","mlp_layer":"swiglu","mlp_ratio":2.6667,
      "norm_layer":"rmsnorm","norm_layer_eps":1e-05,"num_heads":12,"patch_size":14,"proj_bias":false,
      "qkv_bias":false}
    aimv2_large_patch14_224 224
    aimv2_large_patch14_336 336
    aimv2_large_patch14_448 448
      {"act_layer":"silu","class_token":false,"depth":24,"embed_dim":1024,"embed_norm_layer":"rmsnorm",
      "embed_norm_layer_eps":1e-05,"fc_norm":false,"global_pool":"avg","mlp_layer":"swiglu","mlp_ratio":2.75,
      "norm_layer":"rmsnorm","norm_layer_eps":1e-05,"num_heads":8,"patch_size":14,"proj_bias":false,
      "qkv_bias":false}
    beit3_base_patch16_224 224
      {"class_token":true,"depth":12,"embed_dim":768,"global_pool":"avg","mlp_ratio":4,"norm_layer":"layernorm",
      "norm_layer_eps":1e-05,"num_heads":12,"patch_size":16,"scale_attn_norm":true,"scale_mlp_norm":true}
    beit3_giant_patch14_224 224
    beit3_giant_patch14_336 336
      {"class_token":true,"depth":40,"embed_dim":1408,"global_pool":"avg","mlp_ratio":4.3637,
      "norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":16,"patch_size":14,"scale_attn_norm":true,
      "scale_mlp_norm":true}
    beit3_large_patch16_224 224
      {"class_token":true,"depth":24,"embed_dim":1024,"global_pool":"avg","mlp_ratio":4,"norm_layer":"layernorm",
      "norm_layer_eps":1e-05,"num_heads":16,"patch_size":16,"scale_attn_norm":true,"scale_mlp_norm":true}
    deit3_base_patch16_224 224
    deit3_base_patch16_384 384
      {"depth":12,"embed_dim":768,"init_values":1e-06,"no_embed_class":true,"num_heads":12,"patch_size":16}
    deit3_huge_patch14_224 224
      {"depth":32,"embed_dim":1280,"init_values":1e-06,"no_embed_class":true,"num_heads":16,"patch_size":14}
    deit3_large_patch16_224 224
    deit3_large_patch16_384 384
      {"depth":24,"embed_dim":1024,"init_values":1e-06,"no_embed_class":true,"num_heads":16,"patch_size":16}
    deit3_medium_patch16_224 224
      {"depth":12,"embed_dim":512,"init_values":1e-06,"no_embed_class":true,"num_heads":8,"patch_size":16}
    deit3_small_patch16_224 224
    deit3_small_patch16_384 384
      {"depth":12,"embed_dim":384,"init_values":1e-06,"no_embed_class":true,"num_heads":6,"patch_size":16}
    deit_base_distilled_patch16_224 224
    deit_base_distilled_patch16_384 384
      {"depth":12,"distilled":true,"embed_dim":768,"num_heads":12,"patch_size":16}
    deit_small_distilled_patch16_224 224
      {"depth":12,"distilled":true,"embed_dim":384,"num_heads":6,"patch_size":16}
    deit_tiny_distilled_patch16_224 224
      {"depth":12,"distilled":true,"embed_dim":192,"num_heads":3,"patch_size":16}
    eva_large_patch14_196 196
    eva_large_patch14_336 336
      {"depth":24,"embed_dim":1024,"global_pool":"avg","num_heads":16,"patch_size":14}
    flexivit_base 240
      {"depth":12,"embed_dim":768,"no_embed_class":true,"num_heads":12,"patch_size":16}
    flexivit_large 240
      {"depth":24,"embed_dim":1024,"no_embed_class":true,"num_heads":16,"patch_size":16}
    flexivit_small 240
      {"depth":12,"embed_dim":384,"no_embed_class":true,"num_heads":6,"patch_size":16}
    test_vit 160
      {"depth":6,"dynamic_img_size":true,"embed_dim":64,"mlp_ratio":3,"num_heads":2,"patch_size":16}
    test_vit2 160
      {"class_token":false,"depth":8,"dynamic_img_size":true,"embed_dim":64,"global_pool":"avg","init_values":1e-05,
      "mlp_ratio":3,"num_heads":2,"patch_size":16,"reg_tokens":1}
    test_vit3 160
      {"class_token":false,"depth":9,"embed_dim":96,"global_pool":"map","init_values":1e-05,"mlp_ratio":2,
      "num_heads":3,"patch_size":16,"pool_include_prefix":true,"reg_tokens":1}
    test_vit4 160
      {"class_token":false,"depth":9,"dynamic_img_size":true,"embed_dim":96,"global_pool":"avg","init_values":1e-05,
      "mlp_ratio":3,"norm_layer":"rmsnorm","num_heads":3,"patch_size":16,"reg_tokens":1}
    vit_base_patch14_dinov2 518
      {"depth":12,"embed_dim":768,"init_values":1e-05,"num_heads":12,"patch_size":14}
    vit_base_patch14_reg1_tipsv2 448
      {"depth":12,"embed_dim":768,"init_values":1.0,"no_embed_class":true,"num_heads":12,"patch_size":14,
      "reg_tokens":1}
    vit_base_patch14_reg4_dinov2 518
      {"depth":12,"embed_dim":768,"init_values":1e-05,"no_embed_class":true,"num_heads":12,"patch_size":14,
      "reg_tokens":4}
    vit_base_patch16_224 224
    vit_base_patch16_384 384
    deit_base_patch16_224 224
    deit_base_patch16_384 384
      {"depth":12,"embed_dim":768,"num_heads":12,"patch_size":16}
    vit_base_patch16_224_miil 224
      {"depth":12,"embed_dim":768,"num_heads":12,"patch_size":16,"qkv_bias":false}
    vit_base_patch16_clip_224 224
    vit_base_patch16_clip_384 384
      {"depth":12,"embed_dim":768,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":12,"patch_size":16,
      "pre_norm":true}
    vit_base_patch16_clip_quickgelu_224 224
      {"act_layer":"quick_gelu","depth":12,"embed_dim":768,"norm_layer":"layernorm","norm_layer_eps":1e-05,
      "num_heads":12,"patch_size":16,"pre_norm":true}
    vit_base_patch16_gap_224 224
      {"class_token":false,"depth":12,"embed_dim":768,"fc_norm":false,"global_pool":"avg","num_heads":16,
      "patch_size":16}
    vit_base_patch16_plus_240 240
      {"depth":12,"embed_dim":896,"init_values":1e-05,"num_heads":14,"patch_size":16}
    vit_base_patch16_plus_clip_240 240
      {"depth":12,"embed_dim":896,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":14,"patch_size":16,
      "pre_norm":true}
    vit_base_patch16_radio_v3 512
      {"depth":12,"embed_dim":768,"final_norm":false,"init_values":1e-05,"no_embed_class":true,"num_heads":12,
      "patch_size":16,"reg_tokens":7}
    vit_base_patch16_reg4_gap_256 256
      {"class_token":false,"depth":12,"embed_dim":768,"global_pool":"avg","no_embed_class":true,"num_heads":12,
      "patch_size":16,"reg_tokens":4}
    vit_base_patch16_rpn_224 224
      {"block_fn":"ResPostBlock","class_token":false,"depth":12,"embed_dim":768,"global_pool":"avg",
      "init_values":1e-05,"num_heads":12,"patch_size":16,"qkv_bias":false}
    vit_base_patch16_siglip_224 224
    vit_base_patch16_siglip_256 256
    vit_base_patch16_siglip_384 384
    vit_base_patch16_siglip_512 512
      {"class_token":false,"depth":12,"embed_dim":768,"global_pool":"map","num_heads":12,"patch_size":16}
    vit_base_patch16_siglip_gap_224 224
    vit_base_patch16_siglip_gap_256 256
    vit_base_patch16_siglip_gap_384 384
    vit_base_patch16_siglip_gap_512 512
      {"class_token":false,"depth":12,"embed_dim":768,"fc_norm":false,"global_pool":"avg","num_heads":12,
      "patch_size":16}
    vit_base_patch32_224 224
    vit_base_patch32_384 384
      {"depth":12,"embed_dim":768,"num_heads":12,"patch_size":32}
    vit_base_patch32_clip_224 224
    vit_base_patch32_clip_256 256
    vit_base_patch32_clip_384 384
    vit_base_patch32_clip_448 448
      {"depth":12,"embed_dim":768,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":12,"patch_size":32,
      "pre_norm":true}
    vit_base_patch32_clip_quickgelu_224 224
      {"act_layer":"quick_gelu","depth":12,"embed_dim":768,"norm_layer":"layernorm","norm_layer_eps":1e-05,
      "num_heads":12,"patch_size":32,"pre_norm":true}
    vit_base_patch32_plus_256 256
      {"depth":12,"embed_dim":896,"init_values":1e-05,"num_heads":14,"patch_size":32}
    vit_base_patch32_siglip_256 256
      {"act_layer":"gelu_tanh","class_token":false,"depth":12,"embed_dim":768,"global_pool":"map","num_heads":12,
      "patch_size":32}
    vit_base_patch32_siglip_gap_256 256
      {"act_layer":"gelu_tanh","class_token":false,"depth":12,"embed_dim":768,"fc_norm":false,"global_pool":"avg",
      "num_heads":12,"patch_size":32}
    vit_base_patch8_224 224
      {"depth":12,"embed_dim":768,"num_heads":12,"patch_size":8}
    vit_betwixt_patch16_gap_256 256
      {"class_token":false,"depth":12,"embed_dim":640,"fc_norm":false,"global_pool":"avg","init_values":1e-06,
      "num_heads":10,"patch_size":16,"qkv_bias":false}
    vit_betwixt_patch16_reg1_gap_256 256
      {"class_token":false,"depth":12,"embed_dim":640,"global_pool":"avg","init_values":1e-05,"no_embed_class":true,
      "num_heads":10,"patch_size":16,"reg_tokens":1}
    vit_betwixt_patch16_reg4_gap_256 256
    vit_betwixt_patch16_reg4_gap_384 384
      {"class_token":false,"depth":12,"embed_dim":640,"global_pool":"avg","init_values":1e-05,"no_embed_class":true,
      "num_heads":10,"patch_size":16,"reg_tokens":4}
    vit_betwixt_patch32_clip_224 224
      {"depth":12,"embed_dim":640,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":10,"patch_size":32,
      "pre_norm":true}
    vit_giant_patch14_224 224
      {"depth":40,"embed_dim":1408,"mlp_ratio":4.363636363636363,"num_heads":16,"patch_size":14}
    vit_giant_patch14_clip_224 224
      {"depth":40,"embed_dim":1408,"mlp_ratio":4.363636363636363,"norm_layer":"layernorm","norm_layer_eps":1e-05,
      "num_heads":16,"patch_size":14,"pre_norm":true}
    vit_giant_patch14_dinov2 518
      {"act_layer":"silu","depth":40,"embed_dim":1536,"init_values":1e-05,"mlp_layer":"glu","mlp_ratio":5.33334,
      "num_heads":24,"patch_size":14}
    vit_giant_patch14_reg1_tipsv2 448
      {"act_layer":"silu","depth":40,"embed_dim":1536,"init_values":1.0,"mlp_layer":"glu","mlp_ratio":5.33334,
      "no_embed_class":true,"num_heads":24,"patch_size":14,"reg_tokens":1}
    vit_giant_patch14_reg4_dinov2 518
      {"act_layer":"silu","depth":40,"embed_dim":1536,"init_values":1e-05,"mlp_layer":"glu","mlp_ratio":5.33334,
      "no_embed_class":true,"num_heads":24,"patch_size":14,"reg_tokens":4}
    vit_giant_patch16_gap_224 224
      {"class_token":false,"depth":40,"embed_dim":1408,"fc_norm":false,"global_pool":"avg",
      "mlp_ratio":4.363636363636363,"num_heads":16,"patch_size":16}
    vit_giant_patch16_radio_v3 512
      {"depth":40,"embed_dim":1536,"final_norm":false,"no_embed_class":true,"num_heads":24,"patch_size":16,
      "reg_tokens":7}
    vit_giantopt_patch16_siglip_256 256
    vit_giantopt_patch16_siglip_384 384
      {"act_layer":"gelu_tanh","class_token":false,"depth":40,"embed_dim":1536,"global_pool":"map","num_heads":16,
      "patch_size":16}
    vit_giantopt_patch16_siglip_gap_256 256
    vit_giantopt_patch16_siglip_gap_384 384
      {"act_layer":"gelu_tanh","class_token":false,"depth":40,"embed_dim":1536,"fc_norm":false,"global_pool":"avg",
      "num_heads":16,"patch_size":16}
    vit_gigantic_patch14_224 224
      {"depth":48,"embed_dim":1664,"mlp_ratio":4.923076923076923,"num_heads":16,"patch_size":14}
    vit_gigantic_patch14_clip_224 224
    vit_gigantic_patch14_clip_378 378
      {"depth":48,"embed_dim":1664,"mlp_ratio":4.923076923076923,"norm_layer":"layernorm","norm_layer_eps":1e-05,
      "num_heads":16,"patch_size":14,"pre_norm":true}
    vit_gigantic_patch14_clip_quickgelu_224 224
      {"act_layer":"quick_gelu","depth":48,"embed_dim":1664,"mlp_ratio":4.923076923076923,"norm_layer":"layernorm",
      "norm_layer_eps":1e-05,"num_heads":16,"patch_size":14,"pre_norm":true}
    vit_huge_patch14_224 224
      {"depth":32,"embed_dim":1280,"num_heads":16,"patch_size":14}
    vit_huge_patch14_clip_224 224
    vit_huge_patch14_clip_336 336
    vit_huge_patch14_clip_378 378
      {"depth":32,"embed_dim":1280,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":16,"patch_size":14,
      "pre_norm":true}
    vit_huge_patch14_clip_quickgelu_224 224
    vit_huge_patch14_clip_quickgelu_378 378
      {"act_layer":"quick_gelu","depth":32,"embed_dim":1280,"norm_layer":"layernorm","norm_layer_eps":1e-05,
      "num_heads":16,"patch_size":14,"pre_norm":true}
    vit_huge_patch14_gap_224 224
      {"class_token":false,"depth":32,"embed_dim":1280,"fc_norm":false,"global_pool":"avg","num_heads":16,
      "patch_size":14}
    vit_huge_patch16_gap_448 448
      {"class_token":false,"depth":32,"embed_dim":1280,"fc_norm":false,"global_pool":"avg","num_heads":16,
      "patch_size":16}
    vit_huge_patch16_radio_v3 512
      {"depth":32,"embed_dim":1280,"final_norm":false,"no_embed_class":true,"num_heads":16,"patch_size":16,
      "reg_tokens":7}
    vit_huge_patch16_radio_v4 512
      {"depth":32,"embed_dim":1280,"final_norm":false,"no_embed_class":true,"num_heads":16,"patch_size":16,
      "reg_tokens":9}
    vit_intern300m_patch14_448 448
      {"depth":24,"dynamic_img_size":true,"embed_dim":1024,"final_norm":false,"init_values":0.1,"num_heads":16,
      "patch_size":14}
    vit_large_patch14_224 224
      {"depth":24,"embed_dim":1024,"num_heads":16,"patch_size":14}
    vit_large_patch14_clip_224 224
    vit_large_patch14_clip_336 336
      {"depth":24,"embed_dim":1024,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":16,"patch_size":14,
      "pre_norm":true}
    vit_large_patch14_clip_quickgelu_224 224
    vit_large_patch14_clip_quickgelu_336 336
      {"act_layer":"quick_gelu","depth":24,"embed_dim":1024,"norm_layer":"layernorm","norm_layer_eps":1e-05,
      "num_heads":16,"patch_size":14,"pre_norm":true}
    vit_large_patch14_dinov2 518
      {"depth":24,"embed_dim":1024,"init_values":1e-05,"num_heads":16,"patch_size":14}
    vit_large_patch14_reg1_tipsv2 448
      {"depth":24,"embed_dim":1024,"init_values":1.0,"no_embed_class":true,"num_heads":16,"patch_size":14,
      "reg_tokens":1}
    vit_large_patch14_reg4_dinov2 518
      {"depth":24,"embed_dim":1024,"init_values":1e-05,"no_embed_class":true,"num_heads":16,"patch_size":14,
      "reg_tokens":4}
    vit_large_patch16_224 224
    vit_large_patch16_384 384
      {"depth":24,"embed_dim":1024,"num_heads":16,"patch_size":16}
    vit_large_patch16_radio_v3 512
      {"depth":24,"embed_dim":1024,"final_norm":false,"init_values":1e-05,"no_embed_class":true,"num_heads":16,
      "patch_size":16,"reg_tokens":7}
    vit_large_patch16_siglip_256 256
    vit_large_patch16_siglip_384 384
      {"class_token":false,"depth":24,"embed_dim":1024,"global_pool":"map","num_heads":16,"patch_size":16}
    vit_large_patch16_siglip_512 512
      {"act_layer":"gelu_tanh","class_token":false,"depth":24,"embed_dim":1024,"global_pool":"map","num_heads":16,
      "patch_size":16}
    vit_large_patch16_siglip_gap_256 256
    vit_large_patch16_siglip_gap_384 384
      {"class_token":false,"depth":24,"embed_dim":1024,"fc_norm":false,"global_pool":"avg","num_heads":16,
      "patch_size":16}
    vit_large_patch16_siglip_gap_512 512
      {"act_layer":"gelu_tanh","class_token":false,"depth":24,"embed_dim":1024,"fc_norm":false,"global_pool":"avg",
      "num_heads":16,"patch_size":16}
    vit_large_patch32_224 224
    vit_large_patch32_384 384
      {"depth":24,"embed_dim":1024,"num_heads":16,"patch_size":32}
    vit_little_patch16_reg1_gap_256 256
      {"class_token":false,"depth":14,"embed_dim":320,"global_pool":"avg","init_values":1e-05,"mlp_ratio":5.6,
      "no_embed_class":true,"num_heads":5,"patch_size":16,"reg_tokens":1}
    vit_little_patch16_reg4_gap_256 256
      {"class_token":false,"depth":14,"embed_dim":320,"global_pool":"avg","init_values":1e-05,"mlp_ratio":5.6,
      "no_embed_class":true,"num_heads":5,"patch_size":16,"reg_tokens":4}
    vit_medium_patch16_clip_224 224
      {"depth":12,"embed_dim":512,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":8,"pre_norm":true}
    vit_medium_patch16_gap_240 240
    vit_medium_patch16_gap_256 256
    vit_medium_patch16_gap_384 384
      {"class_token":false,"depth":12,"embed_dim":512,"fc_norm":false,"global_pool":"avg","init_values":1e-06,
      "num_heads":8,"patch_size":16,"qkv_bias":false}
    vit_medium_patch16_reg1_gap_256 256
      {"class_token":false,"depth":12,"embed_dim":512,"global_pool":"avg","init_values":1e-05,"no_embed_class":true,
      "num_heads":8,"patch_size":16,"reg_tokens":1}
    vit_medium_patch16_reg4_gap_256 256
      {"class_token":false,"depth":12,"embed_dim":512,"global_pool":"avg","init_values":1e-05,"no_embed_class":true,
      "num_heads":8,"patch_size":16,"reg_tokens":4}
    vit_medium_patch32_clip_224 224
      {"depth":12,"embed_dim":512,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":8,"patch_size":32,
      "pre_norm":true}
    vit_mediumd_patch16_reg4_gap_256 256
    vit_mediumd_patch16_reg4_gap_384 384
      {"class_token":false,"depth":20,"embed_dim":512,"global_pool":"avg","init_values":1e-05,"no_embed_class":true,
      "num_heads":8,"patch_size":16,"reg_tokens":4}
    vit_small_patch14_dinov2 518
      {"depth":12,"embed_dim":384,"init_values":1e-05,"num_heads":6,"patch_size":14}
    vit_small_patch14_reg4_dinov2 518
      {"depth":12,"embed_dim":384,"init_values":1e-05,"no_embed_class":true,"num_heads":6,"patch_size":14,
      "reg_tokens":4}
    vit_small_patch16_224 224
    vit_small_patch16_384 384
    deit_small_patch16_224 224
      {"depth":12,"embed_dim":384,"num_heads":6,"patch_size":16}
    vit_small_patch16_36x1_224 224
      {"depth":36,"embed_dim":384,"init_values":1e-05,"num_heads":6,"patch_size":16}
    vit_small_patch32_224 224
    vit_small_patch32_384 384
      {"depth":12,"embed_dim":384,"num_heads":6,"patch_size":32}
    vit_small_patch8_224 224
      {"depth":12,"embed_dim":384,"num_heads":6,"patch_size":8}
    vit_so150m2_patch16_reg1_gap_256 256
    vit_so150m2_patch16_reg1_gap_384 384
    vit_so150m2_patch16_reg1_gap_448 448
      {"class_token":false,"depth":21,"embed_dim":832,"global_pool":"avg","init_values":1e-05,
      "mlp_ratio":2.6153846153846154,"num_heads":13,"patch_size":16,"qkv_bias":false,"reg_tokens":1}
    vit_so150m_patch16_reg4_gap_256 256
    vit_so150m_patch16_reg4_gap_384 384
      {"class_token":false,"depth":18,"embed_dim":896,"fc_norm":false,"global_pool":"avg","mlp_ratio":2.572,
      "num_heads":14,"patch_size":16,"reg_tokens":4}
    vit_so150m_patch16_reg4_map_256 256
      {"class_token":false,"depth":18,"embed_dim":896,"global_pool":"map","mlp_ratio":2.572,"num_heads":14,
      "patch_size":16,"reg_tokens":4}
    vit_so400m_patch14_reg1_tipsv2 448
      {"depth":27,"embed_dim":1152,"init_values":1.0,"mlp_ratio":3.736111111111111,"no_embed_class":true,
      "num_heads":16,"patch_size":14,"reg_tokens":1}
    vit_so400m_patch14_siglip_224 224
    vit_so400m_patch14_siglip_378 378
    vit_so400m_patch14_siglip_384 384
      {"class_token":false,"depth":27,"embed_dim":1152,"global_pool":"map","mlp_ratio":3.7362,"num_heads":16,
      "patch_size":14}
    vit_so400m_patch14_siglip_gap_224 224
    vit_so400m_patch14_siglip_gap_378 378
    vit_so400m_patch14_siglip_gap_384 384
    vit_so400m_patch14_siglip_gap_448 448
    vit_so400m_patch14_siglip_gap_896 896
      {"class_token":false,"depth":27,"embed_dim":1152,"fc_norm":false,"global_pool":"avg","mlp_ratio":3.7362,
      "num_heads":16,"patch_size":14}
    vit_so400m_patch16_radio_v4 512
      {"depth":27,"embed_dim":1152,"final_norm":false,"mlp_ratio":3.736111111111111,"no_embed_class":true,
      "num_heads":16,"patch_size":16,"reg_tokens":9}
    vit_so400m_patch16_siglip_256 256
    vit_so400m_patch16_siglip_384 384
    vit_so400m_patch16_siglip_512 512
      {"act_layer":"gelu_tanh","class_token":false,"depth":27,"embed_dim":1152,"global_pool":"map",
      "mlp_ratio":3.7362,"num_heads":16,"patch_size":16}
    vit_so400m_patch16_siglip_gap_256 256
    vit_so400m_patch16_siglip_gap_384 384
    vit_so400m_patch16_siglip_gap_512 512
      {"act_layer":"gelu_tanh","class_token":false,"depth":27,"embed_dim":1152,"fc_norm":false,"global_pool":"avg",
      "mlp_ratio":3.7362,"num_heads":16,"patch_size":16}
    vit_tiny_patch16_224 224
    vit_tiny_patch16_384 384
    deit_tiny_patch16_224 224
      {"depth":12,"embed_dim":192,"num_heads":3,"patch_size":16}
    vit_wee_patch16_reg1_gap_256 256
      {"class_token":false,"depth":14,"embed_dim":256,"global_pool":"avg","init_values":1e-05,"mlp_ratio":5,
      "no_embed_class":true,"num_heads":4,"patch_size":16,"reg_tokens":1}
    vit_xsmall_patch16_clip_224 224
      {"depth":10,"embed_dim":256,"norm_layer":"layernorm","norm_layer_eps":1e-05,"num_heads":4,"pre_norm":true}
    """
}
