/** Version descriptors of standard INQUIRY data (SPC-5 6.7 and annex F): which standards a device claims. */

/** By their codes, whose lower five bits are a revision. */
const STANDARDS: ReadonlyMap<number, string> = new Map(
  Object.entries({
    '0020': 'SAM SAM-2 SAM-3 SAM-4 SAM-5 SAM-6',
    '0120': 'SPC MMC SCC SBC SMC SES SCC-2 SSC RBC MMC-2 SPC-2 OCRW MMC-3',
    '02E0': 'SMC-2 SPC-3 SBC-2 OSD SSC-2 BCC MMC-4 ADC SES-2 SSC-3 MMC-5 OSD-2 SPC-4 SMC-3 ADC-2',
    '04C0': 'SBC-3 MMC-6 ADC-3 SSC-4',
    '0560': 'OSD-3 SES-3 SSC-5 SPC-5 SFSC SBC-4 ZBC ADC-4 ZBC-2 SES-4',
    '0820': 'SSA-TL2 SSA-TL1 SSA-S3P SSA-S2P SIP FCP SBP-2 FCP-2 SST SRP iSCSI SBP-3 SRP-2 ADP',
    '09E0': 'ADT FCP-3 ADT-2 FCP-4 ADT-3',
    '0AA0': 'SPI Fast-20 SPI-2 SPI-3 EPI SPI-4 SPI-5',
    '0BE0': 'SAS SAS-1.1 SAS-2 SAS-2.1 SAS-3 SAS-4',
    '1740': 'UAS',
    '1EA0': 'SAT SAT-2 SAT-3 SAT-4',
    '20A0': 'SPL SPL-2 SPL-3 SPL-4',
    '21E0': 'SOP PQI',
  }).flatMap(([first, names]) =>
    names
      .split(' ')
      .map((name, index): [number, string] => [Number.parseInt(first, 16) + index * 0x20, name]),
  ),
)

/** The standard that a version descriptor names, whichever of its revisions: `SPC-5`; `undefined` for one that is not in the table. */
export function versionDescriptorName(code: number): string | undefined {
  return STANDARDS.get(code & ~0x1f)
}
