/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/*
 * The EDAC drivers of memory controllers: what a kernel calls them where its own table of
 * aliases does not say it, since it was built without them.
 *
 * Facts: option and module from drivers/edac/Makefile, the first function from
 * module_init() or module_platform_driver() of each file, needed module from its depends=
 * (modinfo), all of Linux 6.12; imh_edac and the processors from modules.alias of Debian's
 * 7.3; ACPI names and compatible strings from the drivers' tables of Linux 6.12. Drivers
 * that only know caches or buses (qcom, sifive, zynqmp, highbank_l2, amd8111, amd8131,
 * octeon but lmc) register no memory controller and are not here.
 */

/**
 * X(module, option, first function, needed module, modaliases): the modaliases are shell
 * patterns, parted by blanks; "" for drivers that are found by PCI, whose devices are too
 * many to name.
 */
#define DRIVER_LIST(X)                                                                      \
	X("amd64_edac", "CONFIG_EDAC_AMD64", "amd64_edac_init", "edac_mce_amd",             \
	  "cpu:type:x86,ven0002fam000F* cpu:type:x86,ven0002fam001[05679A]* "               \
	  "cpu:type:x86,ven0009fam0018*")                                                   \
	X("skx_edac", "CONFIG_EDAC_SKX", "skx_init", "skx_edac_common",                     \
	  "cpu:type:x86,ven0000fam0006mod0055*")                                            \
	X("i10nm_edac", "CONFIG_EDAC_I10NM", "i10nm_init", "skx_edac_common",               \
	  "cpu:type:x86,ven0000fam0006mod006[AC]* cpu:type:x86,ven0000fam0006mod008[6F]* "  \
	  "cpu:type:x86,ven0000fam0006mod00A[DEF]* cpu:type:x86,ven0000fam0006mod00B6* "    \
	  "cpu:type:x86,ven0000fam0006mod00CF* cpu:type:x86,ven0000fam0006mod00DD*")        \
	X("imh_edac", "CONFIG_EDAC_IMH", "", "skx_edac_common",                             \
	  "cpu:type:x86,ven0000fam0013mod0001*")                                            \
	X("sb_edac", "CONFIG_EDAC_SBRIDGE", "sbridge_init", "",                             \
	  "cpu:type:x86,ven0000fam0006mod002D* cpu:type:x86,ven0000fam0006mod003[EF]* "     \
	  "cpu:type:x86,ven0000fam0006mod004F* cpu:type:x86,ven0000fam0006mod005[67]* "     \
	  "cpu:type:x86,ven0000fam0006mod0085*")                                            \
	X("pnd2_edac", "CONFIG_EDAC_PND2", "pnd2_init", "",                                 \
	  "cpu:type:x86,ven0000fam0006mod005[CF]*")                                         \
	X("igen6_edac", "CONFIG_EDAC_IGEN6", "igen6_init", "", "")                          \
	X("ie31200_edac", "CONFIG_EDAC_IE31200", "ie31200_init", "", "")                    \
	X("i7core_edac", "CONFIG_EDAC_I7CORE", "i7core_init", "", "")                       \
	X("i7300_edac", "CONFIG_EDAC_I7300", "i7300_init", "", "")                          \
	X("i5400_edac", "CONFIG_EDAC_I5400", "i5400_init", "", "")                          \
	X("i5100_edac", "CONFIG_EDAC_I5100", "i5100_init", "", "")                          \
	X("i5000_edac", "CONFIG_EDAC_I5000", "i5000_init", "", "")                          \
	X("x38_edac", "CONFIG_EDAC_X38", "x38_init", "", "")                                \
	X("i3200_edac", "CONFIG_EDAC_I3200", "i3200_init", "", "")                          \
	X("i3000_edac", "CONFIG_EDAC_I3000", "i3000_init", "", "")                          \
	X("i82975x_edac", "CONFIG_EDAC_I82975X", "i82975x_init", "", "")                    \
	X("e752x_edac", "CONFIG_EDAC_E752X", "e752x_init", "", "")                          \
	X("ghes_edac", "CONFIG_EDAC_GHES", "ghes_edac_init", "", "")                        \
	X("thunderx_edac", "CONFIG_EDAC_THUNDERX", "thunderx_edac_init", "", "")            \
	X("bluefield_edac", "CONFIG_EDAC_BLUEFIELD", "bluefield_edac_mc_driver_init",       \
	  "", "acpi*:MLNXBF08:*")                                                           \
	X("dmc520_edac", "CONFIG_EDAC_DMC520", "dmc520_edac_driver_init", "",               \
	  "of:N*T*Carm,dmc-520 of:N*T*Carm,dmc-520C*")                                      \
	X("synopsys_edac", "CONFIG_EDAC_SYNOPSYS", "synps_edac_mc_driver_init", "",         \
	  "of:N*T*Cxlnx,zynq-ddrc-a05* of:N*T*Cxlnx,zynqmp-ddrc-2.40a* "                    \
	  "of:N*T*Csnps,ddrc-3.80a*")                                                       \
	X("versal_edac", "CONFIG_EDAC_VERSAL", "xilinx_ddr_edac_mc_driver_init", "",        \
	  "of:N*T*Cxlnx,versal-ddrmc of:N*T*Cxlnx,versal-ddrmcC*")                          \
	X("xgene_edac", "CONFIG_EDAC_XGENE", "xgene_edac_init", "",                         \
	  "of:N*T*Capm,xgene-edac of:N*T*Capm,xgene-edacC*")                                \
	X("armada_xp_edac", "CONFIG_EDAC_ARMADA_XP", "armada_xp_edac_init", "",             \
	  "of:N*T*Cmarvell,armada-xp-sdram-controller*")                                    \
	X("al_mc_edac", "CONFIG_EDAC_AL_MC", "al_mc_edac_driver_init", "",                  \
	  "of:N*T*Camazon,al-mc-edac*")                                                     \
	X("layerscape_edac_mod", "CONFIG_EDAC_LAYERSCAPE", "fsl_ddr_mc_init", "",           \
	  "of:N*T*Cfsl,qoriq-memory-controller*")                                           \
	X("npcm_edac", "CONFIG_EDAC_NPCM", "npcm_edac_driver_init", "",                     \
	  "of:N*T*Cnuvoton,npcm750-memory-controller* "                                     \
	  "of:N*T*Cnuvoton,npcm845-memory-controller*")                                     \
	X("aspeed_edac", "CONFIG_EDAC_ASPEED", "aspeed_driver_init", "",                    \
	  "of:N*T*Caspeed,ast2[456]00-sdram-edac*")                                         \
	X("ti_edac", "CONFIG_EDAC_TI", "ti_edac_driver_init", "",                           \
	  "of:N*T*Cti,emif-keystone* of:N*T*Cti,emif-dra7xx*")                              \
	X("altera_edac", "CONFIG_EDAC_ALTERA_SDRAM", "altr_sdram_edac_driver_init", "",     \
	  "of:N*T*Caltr,sdram-edac of:N*T*Caltr,sdram-edacC* of:N*T*Caltr,sdram-edac-a10* " \
	  "of:N*T*Caltr,sdram-edac-s10*")                                                   \
	X("highbank_mc_edac", "CONFIG_EDAC_HIGHBANK_MC", "highbank_mc_edac_driver_init",    \
	  "", "of:N*T*Ccalxeda,hb-ddr-ctrl* of:N*T*Ccalxeda,ecx-2000-ddr-ctrl*")
